import type { BridgeEvent, Redaction, Reference } from "../../../core/event.ts";
import type { MessageId, NetworkName, RoomId } from "../../../core/ids.ts";
import type { Received } from "../../../core/network.ts";
import type { Person } from "../../../core/person.ts";
import { references } from "../../../core/references.ts";
import { fromMember, type MessageContent } from "../../from-xmpp.ts";
import { messageId } from "../../message-ids.ts";
import type { Element } from "../../stream/xml.ts";
import { eventId, toSource, wholeId } from "./references.ts";

/** Turns the groupchat messages of sessions into events. Pure. */

/** How long a line may wait for its first attempt, in ms: after that its sender has long looked for it in the room. */
const attemptWithin = 60_000;

/** Returns a groupchat message as an event of its sender, whose key is `author`. */
export function eventOf(
	stanza: Element,
	says: MessageContent,
	where: Readonly<{
		room: RoomId;
		source: Readonly<{ network: NetworkName; room: RoomId }>;
		sender: Person;
		author: string;
		at: number;
		unique: string;
	}>,
): Received & { until: number } {
	const { room, source, sender, author, at } = where;
	const id = eventId(where.unique, stanza.attrs.id);
	const event = fromMember(stanza, says, { id, room, sender, at }, author);
	return {
		...withReferences(event, (one) => inSource(one, event.kind, author, source)),
		until: at + attemptWithin,
	};
}

/** Returns a deletion of a message by its stanza-id, which a moderator asks for. */
export function deletionOf(
	stanzaId: string,
	reason: string | undefined,
	where: Omit<Parameters<typeof eventOf>[2], "author">,
): Redaction & { until: number } {
	const { room, source, sender, at, unique } = where;
	const target = toSource({ id: messageId("sid", stanzaId) }, source);
	const base = { id: eventId(unique, ""), room, sender, at };
	return {
		...base,
		kind: "redaction",
		target: { ...target, own: target.id },
		...(reason && { reason }),
		until: at + attemptWithin,
	};
}

function inSource(
	reference: Reference,
	kind: BridgeEvent["kind"],
	author: string,
	source: Parameters<typeof toSource>[1],
): Reference {
	const own = `own sid `;
	if (kind !== "redaction" || !reference.id.startsWith(own)) return toSource(reference, source);
	const named = reference.id.slice(own.length, -` ${author}`.length);
	const target = toSource({ id: messageId("sid", named) }, source);
	// The source decides by its power levels, and so the sender's own ghost has to delete the message.
	return { ...target, own: target.id };
}

/** Returns the ids of the source's messages that an event refers to. */
export const namedIn = (event: BridgeEvent): readonly MessageId[] => [
	...new Set(references(event).flatMap(({ copies = [] }) => copies.map(({ id }) => wholeId(id)))),
];

/** Returns the event without the references to messages of the source that `known` lacks. Their words stay. */
export const withKnown = <E extends BridgeEvent>(event: E, known: ReadonlySet<MessageId>): E =>
	withReferences(event, (one) => {
		const { copies = [], ...bare } = one;
		const left = copies.filter(({ id }) => known.has(id));
		return left.length > 0 ? { ...bare, copies: left } : bare;
	});

function withReferences<E extends BridgeEvent>(event: E, change: (one: Reference) => Reference): E {
	return {
		...event,
		...("target" in event && { target: change(event.target) }),
		...("replyTo" in event && event.replyTo && { replyTo: change(event.replyTo) }),
		...("thread" in event && event.thread && { thread: change(event.thread) }),
	};
}
