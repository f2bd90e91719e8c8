import { createHash } from "node:crypto";
import type { Message, Person } from "../core/event.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../core/ids.ts";
import * as phrases from "../core/phrases.ts";
import { filesIn } from "./features/files.ts";
import { bare, domain, local, resource } from "./jid.ts";
import { child, type Element, text } from "./xml.ts";

/** Stanzas to plain data and neutral events. Pure: no I/O, no clock, and nothing a stranger sends makes it throw. */

export const xmppNetwork = "xmpp" as NetworkName;

/** What a message says to a person. `unreadable`: it is encrypted for somebody else's keys. */
export type Said = Pick<Message, "style" | "text" | "media"> & Readonly<{ unreadable?: true }>;

const encryptions: readonly (readonly [string, string])[] = [
	["encrypted", "eu.siacs.conversations.axolotl"],
	["encrypted", "urn:xmpp:omemo:1"],
	["encrypted", "urn:xmpp:omemo:2"],
	["openpgp", "urn:xmpp:openpgp:0"],
	["x", "jabber:x:encrypted"],
	["encryption", "urn:xmpp:eme:0"],
];

/** Undefined for what says nothing in words: chat states, markers, receipts, a subject (RFC 6121 §5.2.5: a body makes a message). */
export function said(message: Element): Said | undefined {
	// XEP-0380 §3: the body beside a ciphertext is an advertisement for the encryption, not what was said.
	if (encryptions.some(([name, ns]) => child(message, name, ns)))
		return { style: "notice", text: phrases.encrypted, unreadable: true };
	const file = child(message, "replace", "urn:xmpp:message-correct:0") ? undefined : filesIn(message);
	if (file) return { style: "text", text: file.caption, media: file.media };
	const line = text(message, "body") || wordsOf(message);
	if (!line) return undefined;
	// XEP-0308: a client that knows no corrections shows the new text as a line of its own; so do we, and say what it is.
	if (child(message, "replace", "urn:xmpp:message-correct:0"))
		return { style: "text", text: phrases.correction(line) };
	// XEP-0245 §3: exactly "/me " at the very start.
	if (line.startsWith("/me ")) return { style: "emote", text: line.slice(4) };
	return { style: "text", text: line };
}

/** Words for what has a known meaning and came without a body for those who cannot show it. */
function wordsOf(message: Element): string | undefined {
	const reactions = child(message, "reactions", "urn:xmpp:reactions:0");
	if (reactions) {
		const emoji = reactions.getChildren("reaction").map((one) => one.getText().trim());
		// XEP-0444 §3: an empty set takes all back; that was never a line of its own here.
		return emoji.length > 0 ? phrases.reacted(emoji.join(" ")) : undefined;
	}
	if (child(message, "retract", "urn:xmpp:message-retract:1")) return phrases.retracted;
	const oob = message.getChild("x", "jabber:x:oob")?.getChild("url")?.getText();
	if (oob) return oob;
	const place = child(message, "geoloc", "http://jabber.org/protocol/geoloc");
	const [lat, lon] = [place && text(place, "lat"), place && text(place, "lon")];
	return lat && lon ? `geo:${lat},${lon}` : undefined;
}

/** When the room says it was said (XEP-0203), ms since 1970. Anybody can write a delay: only the room's own counts. */
export function delayedBy(message: Element, room: string): number | undefined {
	for (const delay of message.getChildren("delay", "urn:xmpp:delay")) {
		const at = Date.parse(delay.attrs.stamp ?? "");
		if (delay.attrs.from === room && !Number.isNaN(at)) return at;
	}
	return undefined;
}

/** The id by which the room's archive knows the message (XEP-0359); of a room that gives none, anybody could forge one. */
export function stanzaId(message: Element, room: string, trusted: boolean): MessageId | undefined {
	if (!trusted) return undefined;
	for (const id of message.getChildren("stanza-id", "urn:xmpp:sid:0"))
		if (id.attrs.by === room && id.attrs.id) return id.attrs.id as MessageId;
	return undefined;
}

/**
 * A key for a message whose server gave it none. Its own id alone is not enough: clients count from 1 again after a
 * restart, and many people use the same ids. The stanza's id stays readable after the colon, for answers to it.
 */
export function madeUpId(sender: string, stanza: string | undefined, words: string): MessageId {
	const hash = createHash("sha256")
		.update([sender, stanza ?? "", words].join("\0"))
		.digest("base64url");
	return `${hash.slice(0, 22)}:${stanza ?? ""}` as MessageId;
}
/** What tells one message from another that came under the same id. */
const content = ({ text, media }: Said): string => (media ? `${media.source.ref} ${text}` : text);
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
 * An occupant: who they are outside, only their room knows. `occupantId` (XEP-0421) outlives nick changes; without
 * one the nick is all there is. A bare JID holds no space, so the two spellings never meet.
 */
export const occupant = (
	room: string,
	nick: string,
	is: { occupantId?: string | undefined; firstNick?: string | undefined; real?: string | undefined } = {},
): Person => ({
	network: xmppNetwork,
	id: (is.occupantId ? `${room} ${is.occupantId}` : `${room}/${nick}`) as UserId,
	address: [room, is.firstNick ?? nick],
	name: nick,
	// The real JID serves blocks only; it is never shown, the room may be semi-anonymous.
	handles: [`${room}/${nick}`, room, ...(is.real ? [is.real] : [])],
	domain: domain(room),
});

const mucUser = "http://jabber.org/protocol/muc#user";

/** One presence from a room's occupant, as XEP-0045 means it. */
export type OccupantPresence = Readonly<{
	nick: string;
	available: boolean;
	codes: ReadonlySet<string>;
	occupantId?: string;
	/** Bare, where the room shows it. */
	real?: string;
	/** With 303: called this from now on. */
	newNick?: string;
	actor?: string;
	reason?: string;
	destroyed?: Readonly<{ alternate?: string; reason?: string }>;
}>;

export function occupantPresence(presence: Element): OccupantPresence {
	const x = child(presence, "x", mucUser);
	const item = x?.getChild("item");
	const destroy = x?.getChild("destroy");
	const actor = item?.getChild("actor");
	const words = (element: Element | undefined) => (element && text(element, "reason")) || undefined;
	const jid = item?.attrs.jid;
	return defined({
		nick: resource(presence.attrs.from ?? "") ?? "",
		available: presence.attrs.type !== "unavailable",
		codes: new Set(x?.getChildren("status").map((status) => status.attrs.code ?? "")),
		occupantId: child(presence, "occupant-id", "urn:xmpp:occupant-id:0")?.attrs.id,
		real: jid ? bare(jid) : undefined,
		newNick: item?.attrs.nick,
		actor: actor?.attrs.nick ?? actor?.attrs.jid,
		reason: words(item),
		destroyed: destroy && defined({ alternate: destroy.attrs.jid, reason: words(destroy) }),
	});
}

/** What a room says of itself before one joins (XEP-0045 §6.4). */
export type RoomFeatures = Readonly<{
	muc: boolean;
	name?: string;
	topic?: string;
	membersOnly: boolean;
	password: boolean;
	/** It adds stanza-ids; whoever else writes one is a forger. */
	stanzaIds: boolean;
	occupantIds: boolean;
}>;

export function roomFeatures(query: Element): RoomFeatures {
	const has = new Set(query.getChildren("feature").map((feature) => feature.attrs.var));
	const field = (name: string) => {
		for (const form of query.getChildren("x", "jabber:x:data"))
			for (const one of form.getChildren("field"))
				if (one.attrs.var === name) return text(one, "value") || undefined;
		return undefined;
	};
	const conference = query.getChildren("identity").find((one) => one.attrs.category === "conference");
	return defined({
		muc: has.has("http://jabber.org/protocol/muc"),
		name: conference?.attrs.name || field("muc#roomconfig_roomname"),
		topic: field("muc#roominfo_subject"),
		membersOnly: has.has("muc_membersonly"),
		password: has.has("muc_passwordprotected"),
		stanzaIds: has.has("urn:xmpp:sid:0"),
		occupantIds: has.has("urn:xmpp:occupant-id:0"),
	});
}

/** A groupchat message as an event, or undefined where it says nothing. */
export function fromGroupchat(
	message: Element,
	where: Readonly<{ room: string; sender: Person; stanzaIds: boolean; now: number }>,
): Message | undefined {
	const words = said(message);
	if (!words) return undefined;
	const { unreadable: _, ...says } = words;
	const id =
		stanzaId(message, where.room, where.stanzaIds) ??
		madeUpId(where.sender.id, message.attrs.id, content(words));
	return { kind: "message", id, room: where.room as RoomId, sender: where.sender, at: where.now, ...says };
}

/** A message of a 1:1 chat as an event. `missing` stands in for an id the client did not give. */
export function fromChat(
	message: Element,
	words: Said,
	where: Readonly<{ room: RoomId; to: Person; now: number; missing: string }>,
): Message {
	const sender = account(message.attrs.from ?? "");
	const { unreadable: _, ...says } = words;
	const id = madeUpId(sender.id, message.attrs.id || where.missing, content(words));
	return { kind: "message", id, room: where.room, sender, to: where.to, at: where.now, ...says };
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
	[K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};
/** Without the keys that are undefined: absent and undefined are different things in our types. */
function defined<T extends object>(value: T): Defined<T> {
	return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<T>;
}
