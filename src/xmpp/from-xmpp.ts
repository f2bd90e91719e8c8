import { hash } from "node:crypto";
import type { BridgeEvent, Words } from "../core/event.ts";
import { boundedId, type MessageId, type NetworkName, type RoomId, type UserId } from "../core/ids.ts";
import type { Received } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { bare, domain, local, longestPart } from "./jid.ts";
import { isRandom, madeUpId, repeatedWithin, unnamedAt } from "./made-up-ids.ts";
import type { ParsedMessage, ReadContext } from "./message/feature.ts";
import { readMessage } from "./message/index.ts";
import { bodyOf } from "./message/language.ts";
import { asksForReceipt } from "./message/receipts.ts";
import { eitherKind, idsOf } from "./message-ids.ts";
import { child, type Element } from "./stream/xml.ts";

/** Turns stanzas into plain data and neutral events. Pure: no I/O, no clock, and no stanza makes it throw. */

export const xmppNetwork = "xmpp" as NetworkName;

/** The content of a message, or its effect on an earlier message. */
export type MessageContent = Words &
	Pick<ParsedMessage, "act" | "aka" | "passed" | "replyTo" | "thread" | "unreadable">;

/** A context in which nobody is known and no message came before. */
export const nowhere: ReadContext = {
	named: "msg",
	at: () => undefined,
	known: () => undefined,
	of: () => ({}),
	opens: () => true,
};

/** Returns a message's content; undefined without any: chat states, markers, receipts, a subject (RFC 6121 §5.2.5). */
export function parseMessage(message: Element, where: ReadContext): MessageContent | undefined {
	const { parsed, words: left } = readMessage(message, where);
	const { body: _body, mentions: _mentions, nothing, ...rest } = parsed;
	const { act, media, location } = parsed;
	// If a message is nothing but fallback text, that text is its content.
	const words = left || (act || media || location ? "" : (bodyOf(message) ?? ""));
	if (nothing || !(words || media || location || (act && act.kind !== "edit"))) return undefined;
	return { ...rest, text: words };
}

/** Returns the MUC's stanza-id (XEP-0359). In a MUC that adds none (`trusted` is false) anyone could forge one. */
export function stanzaId(message: Element, room: string, trusted: boolean): MessageId | undefined {
	if (!trusted) return undefined;
	for (const id of message.getChildren("stanza-id", "urn:xmpp:sid:0"))
		if (id.attrs.by === room && id.attrs.id) return boundedId(id.attrs.id) as MessageId;
	return undefined;
}

/** Returns the text that distinguishes messages with the same id. */
const content = ({ text, media, more = [], act }: MessageContent): string =>
	[act && JSON.stringify(act), media?.source.ref, ...more.map(({ source }) => source.ref), text]
		.filter((part) => part !== undefined)
		.join(" ");
/** Returns the person with an XMPP account. */
export const account = (jid: string): Person => ({
	network: xmppNetwork,
	id: bare(jid) as UserId,
	address: [bare(jid)],
	name: local(jid) ?? bare(jid),
	handles: [bare(jid)],
	domain: domain(jid),
});

/** Returns the MUC as a person: the sender of the service's announcements and of our notices about the MUC. */
export const roomItself = (room: string, name?: string): Person => ({
	...account(room),
	name: name || account(room).name || room,
});

/**
 * Returns an occupant of a MUC as a person. Their id is made of the occupant-id (XEP-0421), else of the real JID if the
 * MUC shows it (both survive nick changes), else of the nick. A bare JID contains neither a space nor a "#", so the three
 * forms never collide.
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
		// The real JID is used for blocks only. It is never shown, because the MUC may be semi-anonymous.
		handles: [`${room}/${name}`, room, ...(is.real ? [is.real] : [])],
		domain: domain(room),
	};
};

/** Returns a hash of the real JID, because ids are visible to people who may not see the JID. */
const veiled = (room: string, real: string): string =>
	hash("sha256", [room, real].join("\0"), "base64url").slice(0, 22);

/** True if only the nick identifies the occupant. */
export const isByNick = ({ id }: Person, room: string): boolean => id.startsWith(`${room}/`);

/** Returns the occupant-id of a stanza (XEP-0421). In a MUC that adds none it may be forged. */
export function occupantIdIn(stanza: Element): string | undefined {
	const id = child(stanza, "occupant-id", "urn:xmpp:occupant-id:0")?.attrs.id;
	return id === undefined ? undefined : boundedId(id);
}

/** Returns the occupant-id of an occupant of this MUC; undefined if they have none. */
export const occupantIdOf = ({ id }: Person, room: string): string | undefined =>
	id.startsWith(`${room} `) ? id.slice(room.length + 1) : undefined;

/** Returns a groupchat message as an event; undefined if it has no content. `said`: it comes from the archive or history. */
export function fromGroupchat(
	message: Element,
	where: Readonly<{
		room: string;
		sender: Person;
		stanzaIds: boolean;
		now: number;
		said?: boolean;
		place: ReadContext;
	}>,
): Received | undefined {
	const says = parseMessage(message, where.place);
	if (!says) return undefined;
	const { room, sender, now } = where;
	const stanza = stanzaId(message, room, where.stanzaIds);
	const within = repeatedWithin[where.said ? "history" : "live"];
	const { id, unnamed } = stanza
		? { id: stanza }
		: unnamedAt(madeUpId(sender.id, message.attrs.id, content(says)), now, within);
	const { named, author } = where.place;
	const base = { id, room: room as RoomId, sender, at: now };
	const repeat = unnamed && { unnamed };
	if (named !== "sid") return { ...event(message, says, base, undefined, author), ...repeat };
	const { act, replyTo, ...rest } = says;
	const either = {
		...rest,
		...(act && { act: { ...act, target: eitherKind(act.target) } }),
		...(replyTo && { replyTo: eitherKind(replyTo) }),
	};
	return { ...event(message, either, base, stanza, author), ...repeat };
}

/**
 * Returns a 1:1 message as an event. `missing` replaces the stanza's id if the client gave none. `sender`: the occupant who
 * wrote it, of a private message in a MUC; absent: the account that its `from` names.
 */
export function fromChat(
	message: Element,
	says: MessageContent,
	where: Readonly<{ room: RoomId; to: Person; at: number; missing: string; sender?: Person }>,
): Received {
	const { from = "", id: stanza = "" } = message.attrs;
	const { sender = account(from) } = where;
	// An id that is not random counts for one client only.
	const { id, unnamed } =
		stanza !== "" && !isRandom(stanza)
			? unnamedAt(madeUpId(from, stanza, content(says)), where.at, repeatedWithin.chat)
			: { id: madeUpId(sender.id, stanza || where.missing, content(says)) };
	const asks = asksForReceipt(message) && ({ receipt: true } as const);
	const base = { id, room: where.room, sender, to: where.to, at: where.at, ...asks };
	return { ...event(message, says, base, undefined, sender.id), ...(unnamed && { unnamed }) };
}

/** Returns a message with this content in a room whose stanza-ids are ours to give. `author`: the sender's own key. */
export const fromMember = (
	message: Element,
	says: MessageContent,
	base: Pick<BridgeEvent, "id" | "room" | "sender" | "at">,
	author: string,
): Received => event(message, says, base, undefined, author);

function event(
	message: Element,
	{ act, aka, passed, replyTo, thread, unreadable: _, ...words }: MessageContent,
	known: Pick<BridgeEvent, "id" | "room" | "sender" | "at" | "to" | "receipt">,
	stanzaId: string | undefined,
	author: string | undefined,
): Received {
	const { aka: ids, shared } = idsOf({ stanzaId, sent: [message.attrs.id, originId(message)], author });
	const about = { ...(replyTo && { replyTo }), ...(thread && { thread }) };
	const base = { ...known, ...(passed && { passed }) };
	switch (act?.kind) {
		case "edit":
			return { ...base, ...words, ...about, ...act, aka: ids, shared };
		case "redaction":
		case "reaction":
			return { ...base, ...act };
		case undefined:
			return { ...base, ...words, ...about, kind: "message", aka: [...ids, ...aka], shared };
		default:
			return act satisfies never;
	}
}

/** Returns the sender's id (XEP-0359 §3), which survives even if the MUC changes the stanza's id. */
export const originId = (message: Element): string | undefined =>
	child(message, "origin-id", "urn:xmpp:sid:0")?.attrs.id;
