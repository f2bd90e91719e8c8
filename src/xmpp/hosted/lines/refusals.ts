import type { PermanentError } from "../../../core/errors.ts";
import * as phrases from "../../phrases.ts";
import { type ErrorType, errorReply } from "../../stanza-error.ts";
import type { Element } from "../../stream/xml.ts";

/** The refusals of lines and requests in a hosted room, each with the condition by which clients know its cause. Pure. */

type Answer = (stanza: Element) => Element;
const refusal =
	(type: ErrorType, condition: string, text: string): Answer =>
	(stanza) =>
		errorReply(stanza, type, condition, text);

// XEP-0045 §7.4: the client joins again when it reads this.
export const notInRoom = refusal("modify", "not-acceptable", phrases.hostedNotJoined);
// XEP-0045 §7.9
export const noVoice = refusal("auth", "forbidden", phrases.hostedNoVoice);
export const noSubject = refusal("auth", "forbidden", phrases.hostedNoSubject);
export const straySubject = refusal("modify", "bad-request", phrases.hostedStraySubject);
export const noModerator = refusal("auth", "forbidden", phrases.hostedNoModerator);
export const encryptedLine = refusal("modify", "not-acceptable", phrases.hostedEncryptedLine);
export const crowded = refusal("wait", "resource-constraint", phrases.xmppCrowded);
export const tooFast = refusal("wait", "policy-violation", phrases.tooFast);
export const badRequest: Answer = (stanza) => errorReply(stanza, "modify", "bad-request");
export const noSuchLine = refusal("cancel", "item-not-found", phrases.hostedNoSuchLine);
export const slowLine = refusal("wait", "remote-server-timeout", phrases.hostedSlowLine);
// XEP-0045 §7.5
export const noSuchOccupant = refusal("cancel", "item-not-found", phrases.hostedNoSuchOccupant);
export const toRoom = refusal("modify", "bad-request", phrases.hostedToRoom);
export const toOneOccupant = refusal("modify", "bad-request", phrases.hostedToOneOccupant);
export const noPrivateMessages = refusal("auth", "forbidden", phrases.hostedNoPrivate);
export const awayOccupant = refusal("wait", "recipient-unavailable", phrases.hostedAwayOccupant);

/** The reason why something does not reach `target`. */
export type Refused = Readonly<{ error: PermanentError; target: string }>;

export function refusalOf({ error: { reason, message }, target }: Refused): Answer {
	const text = phrases.notDelivered(target, message);
	switch (reason) {
		case "forbidden":
			return refusal("auth", "forbidden", text);
		case "not-found":
			return refusal("cancel", "item-not-found", text);
		case "invalid":
			return refusal("modify", "not-acceptable", text);
		case "busy":
			return refusal("wait", "resource-constraint", text);
		case "failed":
			return refusal("cancel", "not-acceptable", text);
		case "expired":
			return refusal("wait", "remote-server-timeout", text);
		default:
			return reason satisfies never;
	}
}
