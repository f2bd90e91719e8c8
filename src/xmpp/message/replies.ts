import type { Person } from "../../core/person.ts";
import { messageId, pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { child, clean, type Element, xml } from "../stream/xml.ts";
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
import { bodyOf } from "./language.ts";

const ns = "urn:xmpp:reply:0";

/** XEP-0461: a quote of the original precedes the reply as fallback text, whose range counts code points (XEP-0428). */
export const replies: MessageFeature = {
	vars: [ns],
	read(stanza, parsed, where) {
		const reply = child(stanza, "reply", ns);
		const id = reply?.attrs.id;
		if (!reply || !id) return parsed;
		const author = reply.attrs.to ? where.at(reply.attrs.to) : undefined;
		const quote = quoted(stanza);
		return {
			...parsed,
			replyTo: {
				id: messageId(where.named, id),
				...(author && { author }),
				...(quote !== undefined && { text: quote }),
			},
		};
	},
	write(event, draft, where) {
		// XEP-0308 §3: a correction replaces the whole message, so it repeats the reply.
		if ((event.kind !== "message" && event.kind !== "edit") || !event.replyTo) return draft;
		const target = event.replyTo;
		const id = pick(where.refs[target.id], where.named);
		const to = target.author && where.of(target.author).jid;
		const element = id === undefined ? undefined : xml("reply", { xmlns: ns, id, to });
		// Most clients show a file only if the body is nothing but its URL, so no quote is added.
		if (target.text === undefined || event.media) return along(draft, element);
		// Cleaned as on the wire, so that characters that are not sent are not counted.
		const quote = clean(phrases.quoted(nameOf(target.author, where), target.text, ""));
		// Without an id (the original came while the MUC had no archive) only the quote shows that this is a reply.
		return along(prefixed(draft, quote), element, element && fallbackFor(ns, length(quote)));
	},
};

const nameOf = (author: Person | undefined, where: Participants) =>
	author && (where.of(author).nick ?? author.name);

/** Returns the original's text as the sender's client quotes it; undefined without a quote. */
function quoted(stanza: Element): string | undefined {
	const marked = ranges(stanza, ns);
	if (!marked) return undefined;
	const all = points(bodyOf(stanza) ?? "");
	const part = inside(all, marked);
	const lines = spelling(part.length < all.length ? part : all.slice(0, quoteEnd(all)));
	return lines.replace(/^> ?/gm, "").trim() || undefined;
}
