import type { Media, Message } from "../core/event.ts";
import * as phrases from "../core/phrases.ts";
import { fileElements } from "./features/files.ts";
import { type Element, type Node, xml } from "./xml.ts";

/** What we say, as stanzas. Pure. */

const nickNs = "http://jabber.org/protocol/nick";
/** XEP-0172: the full name, where a nick or an address had to bend it. */
const fullName = (name: string | undefined) => name && xml("nick", { xmlns: nickNs }, name);
/** XEP-0359 §3: clients find their own message again by it, also where a room changes the id. */
const origin = (id: string) => xml("origin-id", { xmlns: "urn:xmpp:sid:0", id });

/** The line of a message as everybody on XMPP can read it. */
export function line(event: Message): string {
	if (event.style === "emote") return `/me ${event.text}`;
	// XEP-0245 knows no escape: a blank keeps a text about the command from becoming one.
	return event.text.startsWith("/me ") ? ` ${event.text}` : event.text;
}

/** The line as somebody else's, for whom no occupant of their own could be had. */
export function relayedLine(event: Message, name: string): string {
	// Further lines are set in, so that no text can pass for the next person's line.
	const text = event.text.replaceAll("\n", "\n    ");
	return event.style === "emote" ? phrases.relayedEmote(name, text) : phrases.relayed(name, text);
}

/** XEP-0203: what comes late says when it was said. */
export const delay = (event: Pick<Message, "at" | "late">, component: string): Element | undefined =>
	event.late &&
	xml("delay", { xmlns: "urn:xmpp:delay", from: component, stamp: new Date(event.at).toISOString() });

/** What goes along with the line: its file, when it was said. */
export const along = (
	event: Pick<Message, "at" | "late" | "text"> & { media?: Media | undefined },
	component: string,
): readonly Node[] => [event.media && fileElements(event.media, event.text), delay(event, component)];

export const groupchat = (
	from: string,
	room: string,
	id: string,
	body: string,
	...along: readonly Node[]
): Element =>
	xml("message", { type: "groupchat", from, to: room, id }, xml("body", {}, body), origin(id), along);

/** `name` goes along when the other side may not know it yet: no raw address is to be shown. */
export const chat = (
	from: string,
	to: string,
	id: string,
	body: string,
	more: { name?: string | undefined; along?: readonly Node[] } = {},
): Element =>
	xml(
		"message",
		{ type: "chat", from, to, id },
		xml("body", {}, body),
		origin(id),
		fullName(more.name),
		more.along,
	);

/** XEP-0045 §7.2. No history: what was said before is not news. (Catching up over MAM is asked for separately.) */
export const enter = (from: string, room: string, nick: string, name: string | undefined): Element =>
	xml(
		"presence",
		{ from, to: `${room}/${nick}` },
		xml("x", { xmlns: "http://jabber.org/protocol/muc" }, xml("history", { maxstanzas: "0" })),
		fullName(name === nick ? undefined : name),
	);

/** XEP-0045 §7.6: a presence to the new nick, without the `x` of a join. */
export const rename = (from: string, room: string, nick: string, name: string | undefined): Element =>
	xml("presence", { from, to: `${room}/${nick}` }, fullName(name === nick ? undefined : name));

/** XEP-0045 §7.14 */
export const leave = (from: string, room: string, nick: string): Element =>
	xml("presence", { from, to: `${room}/${nick}`, type: "unavailable" });

/** A presence of the kinds of RFC 6121 §3 and §4; available when `type` is absent. */
export const presence = (from: string, to: string, type?: string, name?: string): Element =>
	xml("presence", { from, to, type }, fullName(name));

export const discoInfo = (from: string, to: string): Element =>
	xml("iq", { type: "get", from, to }, xml("query", { xmlns: "http://jabber.org/protocol/disco#info" }));

/** XEP-0199; to our own nick in a room it is the self-ping of XEP-0410. */
export const ping = (from: string, to: string): Element =>
	xml("iq", { type: "get", from, to }, xml("ping", { xmlns: "urn:xmpp:ping" }));
