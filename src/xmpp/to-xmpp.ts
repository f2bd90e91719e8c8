import type { Message } from "../core/event.ts";
import type { Reaction } from "../core/journal.ts";
import { newIn } from "../core/reactions.ts";
import type { Draft, Sayable, WriteContext } from "./message/feature.ts";
import { writeMessage } from "./message/index.ts";
import * as phrases from "./phrases.ts";
import { type Element, type Node, xml } from "./stream/xml.ts";

/** What we say, as stanzas. Pure. */

const nickNs = "http://jabber.org/protocol/nick";
/** XEP-0172: the full name, where a nick or an address had to bend it. */
export const fullName = (name: string | undefined) => name && xml("nick", { xmlns: nickNs }, name);
/** XEP-0359 §3: clients find their own message again by it, also where a room changes the id. */
const origin = (id: string) => xml("origin-id", { xmlns: "urn:xmpp:sid:0", id });

/** What a stanza says of it. */
export const draft: (event: Sayable, where: WriteContext) => Draft = writeMessage;

/** The same in somebody's name, for whom no occupant of their own could be had; undefined where nothing is left to say. */
export function relayed(event: Sayable, name: string, shown: readonly Reaction[]): Sayable | undefined {
	switch (event.kind) {
		case "edit":
			// Their own occupant wrote it, and is not there to correct it.
			return {
				...act(event, name, ""),
				text: relayedLine({ style: event.style, text: phrases.correction(event.text) }, name),
			};
		case "message": {
			// A file becomes a mere link: its body would be more than the address.
			const { rich: _, media: _file, more: _more, location, ...rest } = event;
			const { geo = "", description = "" } = location ?? {};
			const text = location ? phrases.sharedLocation(description, geo) : event.text;
			const style = location ? "emote" : event.style;
			return { ...rest, style: "text", text: relayedLine({ style, text }, name) };
		}
		case "reaction": {
			const given = newIn(event.emoji, shown);
			return given.length === 0
				? undefined
				: act(event, name, phrases.reacted(given.join(" "), event.target.text));
		}
		case "redaction":
			return event;
		default:
			return event satisfies never;
	}
}

function act({ id, room, sender, at, late }: Sayable, name: string, text: string): Message {
	const line = relayedLine({ style: "emote", text }, name);
	return { id, room, sender, at, ...(late && { late }), kind: "message", style: "text", text: line };
}

/** The line as somebody else's. */
export const relayedLine = ({ style, text }: Pick<Message, "style" | "text">, name: string): string =>
	style === "emote" ? phrases.relayedEmote(name, text) : phrases.relayed(name, text);

const message = (
	type: "groupchat" | "chat",
	[from, to, id]: readonly [string, string, string],
	{ body, parts }: Pick<Draft, "body" | "parts">,
	...more: readonly Node[]
): Element =>
	xml(
		"message",
		{ type, from, to, id },
		body === undefined ? undefined : xml("body", {}, body),
		origin(id),
		more,
		parts,
	);

export const groupchat = (
	from: string,
	room: string,
	id: string,
	content: Pick<Draft, "body" | "parts">,
): Element => message("groupchat", [from, room, id], content);

/** `name` goes along when the other side may not know it yet: no raw address is to be shown. */
export const chat = (
	from: string,
	to: string,
	id: string,
	content: Pick<Draft, "body" | "parts">,
	name?: string,
): Element => message("chat", [from, to, id], content, fullName(name));

/** Words of our own. */
export const words = (body: string): Pick<Draft, "body" | "parts"> => ({ body, parts: [] });

/** A presence of the kinds of RFC 6121 §3 and §4; available when `type` is absent. */
export const presence = (from: string, to: string, type?: string, name?: string): Element =>
	xml("presence", { from, to, type }, fullName(name));

export const discoInfo = (from: string, to: string): Element =>
	xml("iq", { type: "get", from, to }, xml("query", { xmlns: "http://jabber.org/protocol/disco#info" }));

/** XEP-0199; to our own nick in a room it is the self-ping of XEP-0410. */
export const ping = (from: string, to: string): Element =>
	xml("iq", { type: "get", from, to }, xml("ping", { xmlns: "urn:xmpp:ping" }));
