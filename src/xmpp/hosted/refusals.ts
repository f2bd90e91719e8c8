import { PermanentError, TemporaryError } from "../../core/errors.ts";
import type { Entered, Looked, RoomAddress, RoomFacts } from "../../core/hosting.ts";
import { inUri } from "../jid.ts";
import * as phrases from "../phrases.ts";
import { type ErrorType, errorReply, StanzaError } from "../stanza-error.ts";
import { type Element, xml } from "../stream/xml.ts";

/** The refusals of a join, each with the condition by which clients know its cause. Pure. */

/** The reason why a client cannot join. */
export type Refusal = Readonly<{
	type: ErrorType;
	condition: string;
	text: string;
	/** The address of the room to join instead. */
	instead?: string;
}>;

const refusal = (type: ErrorType, condition: string, text: string): Refusal => ({ type, condition, text });

/** Some sentences of core stand behind a colon elsewhere, so they begin in lower case. */
export const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

// XEP-0045 §7.2.2: a JID without a nick. A nick that is none has the same cause.
export const noNick = refusal("modify", "jid-malformed", phrases.hostedNoNick);
export const longNick = refusal("modify", "jid-malformed", phrases.hostedLongNick);
export const unfitNick = refusal("modify", "jid-malformed", phrases.hostedUnfitNick);
// XEP-0045 §7.2.8
export const nickTaken = refusal("cancel", "conflict", phrases.hostedNickTaken);
// XEP-0045 §7.2.6
export const noPassword = refusal("auth", "not-authorized", phrases.hostedNoPassword);
// XEP-0045 §7.2.9
export const full = refusal("wait", "service-unavailable", phrases.hostedFull);
export const unknownRoom = refusal("cancel", "item-not-found", phrases.hostedUnknown);
// XEP-0045 §10.1.1
export const noSuchAddress = refusal("cancel", "not-allowed", phrases.hostedNoSuchAddress);
export const addressOfPerson = refusal("cancel", "service-unavailable", phrases.hostedAddressOfPerson);
export const tooManyLocked = refusal("wait", "resource-constraint", phrases.hostedTooManyLocked);
export const locked = refusal("cancel", "not-acceptable", phrases.hostedLocked);
export const blocked = refusal("auth", "forbidden", phrases.blocked);
export const domainBanned = refusal("auth", "forbidden", phrases.hostedDomainBanned);
export const slow = refusal("wait", "remote-server-timeout", phrases.hostedSlow);
export const lost = refusal("wait", "remote-server-timeout", phrases.hostedLost);
export const stopping = refusal("wait", "remote-server-timeout", phrases.xmppStopping);
export const tooMany = refusal("wait", "resource-constraint", phrases.hostedTooMany);
export const tooManyNicks = refusal("wait", "resource-constraint", phrases.tooManyChanges);
/** An update of a presence in a room that its client has not joined; the client joins again. */
export const notJoined = refusal("cancel", "item-not-found", phrases.hostedNotJoined);
export const broken = refusal("wait", "internal-server-error", phrases.xmppBroken);

export const isRefusal = (found: object): found is Refusal => "condition" in found;

/** Returns the refusal of a room that cannot be shown any more; undefined for one that can. */
export function unfit(
	{ unfit, successor }: RoomFacts,
	address: (of: RoomAddress) => string,
): Refusal | undefined {
	if (successor) return moved(address(successor));
	return unfit && refusal("cancel", "not-allowed", phrases.unfit[unfit]);
}

/** Returns the redirection to another room (RFC 6120 §8.3.3.5). */
export const moved = (instead: string, text: string = phrases.hostedMoved): Refusal => ({
	...refusal("cancel", "gone", text),
	instead,
});

/** Returns the refusal that follows from a look at the room; undefined if there is none. */
export function notFound(looked: Exclude<Looked, { kind: "room" }>): Refusal {
	if (looked.kind === "linked") return moved(looked.to, phrases.hostedLinked(looked.to));
	switch (looked.why) {
		case "unknown":
			return refusal("cancel", "item-not-found", looked.text);
		// Clients know not-acceptable as a nick that they have to change, and some wait for ever after a condition unknown to
		// them.
		case "policy":
		case "unfit":
			return refusal("cancel", "not-allowed", looked.text);
		default:
			return looked.why satisfies never;
	}
}

export function notEntered({ why, text }: Extract<Entered, { kind: "refused" }>): Refusal {
	switch (why) {
		case "banned":
		case "blocked":
			return refusal("auth", "forbidden", text);
		case "invited-only":
			return refusal("auth", "registration-required", text);
		case "unknown":
			return refusal("cancel", "item-not-found", text);
		default:
			return why satisfies never;
	}
}

/** Returns the refusal after an error; undefined for one that our own code has made. */
export function failed(error: unknown): Refusal | undefined {
	if (error instanceof StanzaError) return refusal(error.type, error.condition, error.text ?? "");
	if (error instanceof TemporaryError) return slow;
	if (!(error instanceof PermanentError)) return undefined;
	const { reason, message } = error;
	if (reason === "not-found") return refusal("cancel", "item-not-found", message);
	if (reason === "busy") return refusal("wait", "resource-constraint", message);
	return refusal("cancel", "not-allowed", message);
}

/** Returns a refusal as the error that a query throws. */
export const errorOf = ({ condition, type, text }: Refusal): StanzaError =>
	new StanzaError(condition, type, text);

/** Returns the error that answers a stanza. */
export function refusedWith(stanza: Element, { type, condition, text, instead }: Refusal): Element {
	const answer = errorReply(stanza, type, condition, sentence(text));
	// RFC 6120 §8.3.3.5: the new address is the text of the condition.
	if (instead !== undefined)
		answer
			.getChild("error")
			?.getChild(condition)
			?.append(`xmpp:${inUri(instead)}?join`);
	return answer;
}

/** Returns the presence that refuses a join. */
export function refuse(stanza: Element, refusal: Refusal): Element {
	const answer = refusedWith(stanza, refusal);
	// XEP-0045 §7.2: with the `x` of the join, clients know the error for that of a room.
	answer.append(xml("x", { xmlns: "http://jabber.org/protocol/muc" }));
	return answer;
}
