import type { Message } from "../core/event.ts";
import type { Reaction } from "../core/journal.ts";
import { newIn } from "../core/reactions.ts";
import type { Draft, Sayable, WriteContext } from "./message/feature.ts";
import { writeMessage } from "./message/index.ts";
import * as phrases from "./phrases.ts";
import { type Element, type Node, xml } from "./stream/xml.ts";

/** Builds the stanzas that the bridge sends. Pure. */

export const nickNs = "http://jabber.org/protocol/nick";
/** XEP-0172: carries the full display name if the nick or JID differs from it. */
export const nick = (name: string): Element => xml("nick", { xmlns: nickNs }, name);
export const fullName = (name: string | undefined) => name && nick(name);
/** XEP-0359 §3: a sender recognises its own message by the origin-id, even if the MUC changes the stanza's id. */
const origin = (id: string) => xml("origin-id", { xmlns: "urn:xmpp:sid:0", id });

/** Returns the content of an event's stanza. */
export const draft: (event: Sayable, where: WriteContext) => Draft = writeMessage;

/** Returns the event as text that names its sender, who could get no occupant; undefined if nothing is left to send. */
export function relayed(event: Sayable, name: string, shown: readonly Reaction[]): Sayable | undefined {
	switch (event.kind) {
		case "edit":
			// Only the occupant who sent the original could correct it, and that one has left.
			return {
				...act(event, name, ""),
				text: relayedLine({ style: event.style, text: phrases.correction(event.text) }, name),
			};
		case "message": {
			// A file becomes a mere link, because a body with the name and the URL is no file for clients.
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

/** Returns the text with its sender's name in front. */
export const relayedLine = ({ style, text }: Pick<Message, "style" | "text">, name: string): string =>
	style === "emote" ? phrases.relayedEmote(name, text) : phrases.relayed(name, text);

const message = (
	type: "groupchat" | "chat",
	[from, to, id]: readonly [string, string | undefined, string],
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

/** Returns a 1:1 message. `name` (XEP-0172) is given until the recipient knows it, so that no raw JID is shown. */
export const chat = (
	from: string,
	to: string | undefined,
	id: string,
	content: Pick<Draft, "body" | "parts">,
	name?: string,
): Element => message("chat", [from, to, id], content, fullName(name));

/** Returns the content of a message with a plain body. */
export const words = (body: string): Pick<Draft, "body" | "parts"> => ({ body, parts: [] });

/** Returns the content of a message that is a file: clients show one whose body is its URL (XEP-0066). */
export const fileAt = (url: string): Pick<Draft, "body" | "parts"> => ({
	body: url,
	parts: [xml("x", { xmlns: "jabber:x:oob" }, xml("url", {}, url))],
});

/** Returns a presence or subscription stanza (RFC 6121 §3 and §4); available if `type` is absent. */
export const presence = (from: string, to: string, type?: string, name?: string): Element =>
	xml("presence", { from, to, type }, fullName(name));

export const discoInfo = (from: string, to: string): Element =>
	xml("iq", { type: "get", from, to }, xml("query", { xmlns: "http://jabber.org/protocol/disco#info" }));

/** Returns a ping (XEP-0199); sent to our own nick in a MUC it is a self-ping (XEP-0410). */
export const ping = (from: string, to: string): Element =>
	xml("iq", { type: "get", from, to }, xml("ping", { xmlns: "urn:xmpp:ping" }));
