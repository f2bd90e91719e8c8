import type { BridgeEvent, Reference } from "../../../core/event.ts";
import {
	boundedId,
	type Copy,
	isHashedId,
	type MessageId,
	type NetworkName,
	type RoomId,
} from "../../../core/ids.ts";
import type { Refs } from "../../../core/network.ts";
import { references } from "../../../core/references.ts";
import { table } from "../../../core/table.ts";
import { eitherKind, messageId } from "../../message-ids.ts";

/**
 * The ids of a hosted room's messages. An id of the source is the stanza-id in the view. The sender's own id is part of the
 * id that core gets, which the mark of the source's event keeps, so it outlives the bridge's memory. Pure.
 */

type Source = Readonly<{ network: NetworkName; room: RoomId }>;

/** Returns the id that core gets for a stanza. `unique` tells apart stanzas that their senders give the same id. */
export const eventId = (unique: string, sent: string | undefined) =>
	`said ${unique} ${boundedId(sent ?? "")}` as MessageId;

/** Returns the id that the sender gave a stanza, by the ids of its event; undefined where it gave none, or a very long one. */
export function sentId(copies: readonly Copy[]): string | undefined {
	for (const { id } of copies) {
		const sent = /^said \S+ (.+)$/s.exec(id)?.[1];
		if (sent !== undefined && !isHashedId(sent)) return sent;
	}
	return undefined;
}

/** Returns the id of the n-th stanza (from 0) of an event. An id of the source does not end with "#" and a number. */
export const partId = (id: MessageId, n: number): MessageId => (n === 0 ? id : (`${id}#${n}` as MessageId));
/** Returns the event that a stanza-id belongs to. */
export const wholeId = (stanzaId: string): MessageId => stanzaId.replace(/#\d{1,3}$/, "") as MessageId;

/** Returns the ids of a message of the source as references to it in the view need them. `sent`: its sender's id. */
export const idsIn = (id: MessageId, sent: string = id): readonly MessageId[] => [
	messageId("sid", id),
	messageId("msg", sent),
];

/** Returns the view's ids of each message that an event of the source refers to. */
export function refsOf(event: BridgeEvent): Refs {
	const refs = table<readonly MessageId[]>();
	for (const { id, own, copies = [] } of references(event)) {
		const threads = copies.map((copy) => copy.id).filter((one) => one.startsWith("thread "));
		const ids = [...idsIn(id, sentId(copies)), ...threads];
		refs[id] = ids;
		if (own !== undefined) refs[own] = ids;
	}
	return refs;
}

/** Returns the reference of a stanza with the message's own id in the source, which its stanza-id is. */
export function toSource(reference: Reference, { network, room }: Source): Reference {
	const named = /^sid (.+)$/s.exec(reference.id)?.[1];
	if (named === undefined) return eitherKind(reference);
	const id = wholeId(named);
	const whole = { ...reference, id: messageId("sid", id) };
	return { ...eitherKind(whole), copies: [{ network, room, id }] };
}
