import type { Person } from "../../core/person.ts";
import { messageId, pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { child, clean, type Element, text, xml } from "../stream/xml.ts";
import { fallbackFor, inside, quoteEnd, ranges } from "./fallback.ts";
import {
	along,
	length,
	type MessageFeature,
	type Participants,
	points,
	prefixed,
	spelling,
} from "./feature.ts";

const ns = "urn:xmpp:reply:0";

/** XEP-0461. What is answered stands before the answer for clients without replies, marked in code points (XEP-0428). */
export const replies: MessageFeature = {
	vars: [ns],
	read(stanza, heard, where) {
		const reply = child(stanza, "reply", ns);
		const id = reply?.attrs.id;
		if (!reply || !id) return heard;
		const author = reply.attrs.to ? where.at(reply.attrs.to) : undefined;
		const quote = quoted(stanza);
		return {
			...heard,
			replyTo: {
				id: messageId(where.named, id),
				...(author && { author }),
				...(quote !== undefined && { text: quote }),
			},
		};
	},
	write(event, draft, where) {
		// XEP-0308 §3: a correction stands for all of what it corrects, so it answers again.
		if ((event.kind !== "message" && event.kind !== "edit") || !event.replyTo) return draft;
		const target = event.replyTo;
		const id = pick(where.refs[target.id], where.named);
		const to = target.author && where.of(target.author).jid;
		const element = id === undefined ? undefined : xml("reply", { xmlns: ns, id, to });
		// A line that is more than the address of a file is no file for most clients.
		if (target.text === undefined || event.media) return along(draft, element);
		// As it goes over the wire: what is not sent does not count.
		const quote = clean(phrases.quoted(nameOf(target.author, where), target.text, ""));
		// Without an id (it came while the room kept no archive) the quote is all there is.
		return along(prefixed(draft, quote), element, element && fallbackFor(ns, length(quote)));
	},
};

const nameOf = (author: Person | undefined, where: Participants) =>
	author && (where.of(author).nick ?? author.name);

/** The words that are answered, as the sender's client quotes them. */
function quoted(stanza: Element): string | undefined {
	const marked = ranges(stanza, ns);
	if (!marked) return undefined;
	const all = points(text(stanza, "body") ?? "");
	const part = inside(all, marked);
	const lines = spelling(part.length < all.length ? part : all.slice(0, quoteEnd(all)));
	return lines.replace(/^> ?/gm, "").trim() || undefined;
}
