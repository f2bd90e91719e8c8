import { hash } from "node:crypto";
import type { BridgeEvent, Words } from "../core/event.ts";
import { boundedId, type MessageId, type NetworkName, type RoomId, type UserId } from "../core/ids.ts";
import type { Person } from "../core/person.ts";
import { bare, domain, local, longestPart } from "./jid.ts";
import type { ParsedMessage, ReadContext } from "./message/feature.ts";
import { readMessage } from "./message/index.ts";
import { idsOf } from "./message-ids.ts";
import { child, type Element, text } from "./stream/xml.ts";

/** Stanzas to plain data and neutral events. Pure: no I/O, no clock, and nothing a stranger sends makes it throw. */

export const xmppNetwork = "xmpp" as NetworkName;

/** What a message says, or does to an earlier one. */
export type MessageContent = Words & Pick<ParsedMessage, "act" | "aka" | "replyTo" | "thread" | "unreadable">;

/** Nobody is known there, and nothing was said before. */
export const nowhere: ReadContext = {
	named: "msg",
	at: () => undefined,
	known: () => undefined,
	of: () => ({}),
	opens: () => true,
};

/** Undefined for what says nothing: chat states, markers, receipts, a subject (RFC 6121 §5.2.5: a body makes a message). */
export function parseMessage(message: Element, where: ReadContext): MessageContent | undefined {
	const { parsed, words: left } = readMessage(message, where);
	const { body: _body, mentions: _mentions, nothing, ...rest } = parsed;
	const { act, media, location } = parsed;
	// Whoever marks all they say as being there for old clients still said it.
	const words = left || (act || media || location ? "" : (text(message, "body") ?? ""));
	if (nothing || !(words || media || location || (act && act.kind !== "edit"))) return undefined;
	return { ...rest, text: words };
}

/** The id by which the room's archive knows the message (XEP-0359); of a room that gives none, anybody could forge one. */
export function stanzaId(message: Element, room: string, trusted: boolean): MessageId | undefined {
	if (!trusted) return undefined;
	for (const id of message.getChildren("stanza-id", "urn:xmpp:sid:0"))
		if (id.attrs.by === room && id.attrs.id) return boundedId(id.attrs.id) as MessageId;
	return undefined;
}

/**
 * A key for a message whose server gave it none. Its own id alone is not enough: clients count from 1 again after a
 * restart, and many people use the same ids. The stanza's id stays readable after the colon, for answers to it.
 */
export function madeUpId(sender: string, stanza: string | undefined, words: string): MessageId {
	const digest = hash("sha256", [sender, stanza ?? "", words].join("\0"), "base64url");
	return `${digest.slice(0, 22)}:${boundedId(stanza ?? "")}` as MessageId;
}
/** What tells one message from another that came under the same id. */
const content = ({ text, media, more = [], act }: MessageContent): string =>
	[act && JSON.stringify(act), media?.source.ref, ...more.map(({ source }) => source.ref), text]
		.filter((part) => part !== undefined)
		.join(" ");
export const stanzaOf = (id: MessageId): string => id.slice(id.indexOf(":") + 1);

/** Somebody with an account of their own. */
export const account = (jid: string): Person => ({
	network: xmppNetwork,
	id: bare(jid) as UserId,
	address: [bare(jid)],
	name: local(jid) ?? bare(jid),
	handles: [bare(jid)],
	domain: domain(jid),
});

/** A room that speaks for itself: notices of its service and of ours about it. */
export const roomItself = (room: string, name?: string): Person => ({
	...account(room),
	name: name || account(room).name || room,
});

/**
 * An occupant: who they are outside, only their room knows. `occupantId` (XEP-0421) outlives nick changes, and so does
 * the account where the room shows it; without either the nick is all there is. A bare JID holds neither space nor
 * hash, so the spellings never meet.
 */
export const occupant = (
	room: string,
	nick: string,
	is: { occupantId?: string | undefined; firstNick?: string | undefined; real?: string | undefined } = {},
): Person => {
	const name = boundedId(nick, longestPart);
	return {
		network: xmppNetwork,
		id: (is.occupantId
			? `${room} ${boundedId(is.occupantId)}`
			: is.real
				? `${room}#${veiled(room, is.real)}`
				: `${room}/${name}`) as UserId,
		address: [room, boundedId(is.firstNick ?? nick, longestPart)],
		name,
		// The real JID serves blocks only; it is never shown, the room may be semi-anonymous.
		handles: [`${room}/${name}`, room, ...(is.real ? [is.real] : [])],
		domain: domain(room),
	};
};

/** Ids are seen by others than the account is shown to. */
const veiled = (room: string, real: string): string =>
	hash("sha256", [room, real].join("\0"), "base64url").slice(0, 22);

/** Whether nothing but the nick tells who they are. */
export const isByNick = ({ id }: Person, room: string): boolean => id.startsWith(`${room}/`);

/** The occupant-id that a stanza came with (XEP-0421), whoever wrote it. */
export function occupantIdIn(stanza: Element): string | undefined {
	const id = child(stanza, "occupant-id", "urn:xmpp:occupant-id:0")?.attrs.id;
	return id === undefined ? undefined : boundedId(id);
}

/** The occupant-id of somebody of this room, who may have none. */
export const occupantIdOf = ({ id }: Person, room: string): string | undefined =>
	id.startsWith(`${room} `) ? id.slice(room.length + 1) : undefined;

/** A groupchat message as an event, or undefined where it says nothing. */
export function fromGroupchat(
	message: Element,
	where: Readonly<{ room: string; sender: Person; stanzaIds: boolean; now: number; place: ReadContext }>,
): BridgeEvent | undefined {
	const says = parseMessage(message, where.place);
	if (!says) return undefined;
	const { room, sender, now } = where;
	const stanza = stanzaId(message, room, where.stanzaIds);
	const id = stanza ?? madeUpId(sender.id, message.attrs.id, content(says));
	const { named, author } = where.place;
	const byRoom = named === "sid" ? stanza : undefined;
	return event(message, says, { id, room: room as RoomId, sender, at: now }, byRoom, author);
}

/** A message of a 1:1 chat as an event. `missing` stands in for an id the client did not give. */
export function fromChat(
	message: Element,
	says: MessageContent,
	where: Readonly<{ room: RoomId; to: Person; at: number; missing: string }>,
): BridgeEvent {
	const sender = account(message.attrs.from ?? "");
	const id = madeUpId(sender.id, message.attrs.id || where.missing, content(says));
	const base = { id, room: where.room, sender, to: where.to, at: where.at };
	return event(message, says, base, undefined, sender.id);
}

function event(
	message: Element,
	{ act, aka, replyTo, thread, unreadable: _, ...words }: MessageContent,
	base: Pick<BridgeEvent, "id" | "room" | "sender" | "at" | "to">,
	stanzaId: string | undefined,
	author: string | undefined,
): BridgeEvent {
	const ids = idsOf({ stanzaId, sent: [message.attrs.id, originId(message)], author });
	const about = { ...(replyTo && { replyTo }), ...(thread && { thread }) };
	switch (act?.kind) {
		case "edit":
			return { ...base, ...words, ...about, ...act, aka: ids };
		case "redaction":
		case "reaction":
			return { ...base, ...act };
		case undefined:
			return { ...base, ...words, ...about, kind: "message", aka: [...ids, ...aka] };
		default:
			return act satisfies never;
	}
}

/** XEP-0359 §3: the id its sender gave it, also where a room changes the stanza's. */
export const originId = (message: Element): string | undefined =>
	child(message, "origin-id", "urn:xmpp:sid:0")?.attrs.id;
