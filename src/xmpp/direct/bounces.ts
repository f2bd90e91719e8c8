import type { PermanentError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { bare } from "../jid.ts";
import { stanzaOf } from "../made-up-ids.ts";
import * as phrases from "../phrases.ts";
import { type ErrorType, errorReply, neutral, stanzaError } from "../stanza-error.ts";
import type { Component } from "../stream/component.ts";
import { type Element, xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import type { EarlierContact } from "./earlier-contact.ts";
import type { FirstContact } from "./first-contact.ts";
import { createMemory } from "./memory.ts";
import { noticeIn } from "./notice.ts";
import type { OpenLines } from "./open-lines.ts";
import { pairOf } from "./pair.ts";

/** The stanza error (RFC 6120 §8.3.3) for each reason of core. */
const conditions = {
	forbidden: ["auth", "forbidden"],
	"not-found": ["cancel", "item-not-found"],
	invalid: ["modify", "not-acceptable"],
	busy: ["wait", "resource-constraint"],
	failed: ["cancel", "service-unavailable"],
	expired: ["wait", "remote-server-timeout"],
} as const satisfies Record<PermanentError["reason"], readonly [ErrorType, string]>;

/** Errors of chats of two, both ways: those that come for lines of ours, and those that answer lines of theirs. */
export function createBounces(deps: {
	link: Pick<Component, "send">;
	resource: string;
	contact: FirstContact;
	earlier: EarlierContact;
	open: OpenLines;
	tell(events: readonly BridgeEvent[]): void;
	now(): { at: number; unique(): string };
}) {
	const { link, contact, earlier, open } = deps;
	/** The client of an account that wrote last: servers drop an error to a bare JID (RFC 6121 §8.5.2.1.1). */
	const clients = createMemory<string>((client) => [client]);

	return {
		/** A client wrote: errors for its account go to it. */
		wrote: (client: string) => clients.set(bare(client), client),
		/** Returns the client of an account that wrote last. */
		client: (jid: string): string | undefined => clients.get(jid),

		/** Takes an error for a line of ours. */
		failed(stanza: Element): void {
			const { id = "", from = "" } = stanza.attrs;
			const line = open.get(id);
			// RFC 6120 §8.3.1: the error comes from the account, or from our own server in its name. Others are forged.
			if (!line || pairOf(line.room)[0] !== bare(from)) return;
			open.end(id);
			contact.lose(line.room);
			earlier.note(line.room, false);
			const error = stanzaError(stanza);
			if (line.state === "unconfirmed") {
				line.reject(neutral(error));
				return;
			}
			deps.tell([noticeIn(line.room, phrases.xmppNoDelivery(error.text ?? error.condition), deps.now())]);
		},

		/** Tells an account that its line reached nobody. */
		async refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void> {
			// RFC 6120 §8.3.1: a notice is our own report of an error, which no error may answer.
			if (event.kind === "message" && event.style === "notice") return;
			const [theirs, ghost] = pairOf(event.room);
			const client = clients.get(theirs);
			const why = phrases.deliveryReport(error, target);
			const [type, condition] = conditions[error.reason];
			// After a restart the client is not known: a message of the ghost reaches all clients of the account.
			await link.send(
				client
					? errorReply(
							xml("message", { from: client, to: ghost, id: stanzaOf(event.id) }),
							type,
							condition,
							why,
						)
					: to.chat(`${ghost}/${deps.resource}`, theirs, deps.now().unique(), to.words(why)),
			);
		},
	};
}
export type Bounces = ReturnType<typeof createBounces>;
