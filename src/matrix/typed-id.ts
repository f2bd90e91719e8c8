import { decoded, unwrapped } from "../core/pasted.ts";
import { text as asText, type Content } from "./event.ts";

const sigils = new Map([
	["u", "@"],
	["user", "@"],
	["r", "#"],
	["room", "#"],
	["roomid", "!"],
]);

/**
 * Returns the MXID, alias or room id in a text that a person typed or pasted: a matrix.to link or that of a web client, a
 * `matrix:` URI, or the id itself. Any other text comes back as it is.
 * // Matrix spec, appendix "matrix.to navigation" and "Matrix URI scheme"
 */
export function typedId(typed: string): string {
	// A localpart alone is no id, and may hold any of the characters that people paste around one.
	if (!typed.includes(":")) return typed;
	const text = unwrapped(typed);
	const [, kind = "", name = ""] = /^matrix:([a-z]+)\/([^?#]+)/i.exec(text) ?? [];
	const sigil = sigils.get(kind.toLowerCase());
	if (sigil !== undefined) return sigil + withoutEvent(decoded(name));
	const [, page = ""] = /^https?:[^#]*#\/(.*)$/is.exec(text) ?? [];
	// Element puts the kind of the place before it.
	const id = decoded(page.replace(/^(?:room|user)\//, "").split("?", 1)[0] ?? "");
	return /^[@#!]/.test(id) ? withoutEvent(id) : text;
}

/** Returns an id without the event that a link names behind it. A slash before the colon is part of a localpart. */
function withoutEvent(id: string): string {
	const slash = id.indexOf("/", Math.max(0, id.indexOf(":")));
	return slash < 0 ? id : id.slice(0, slash);
}

/** Characters of the longest formatted_body that is searched for pills, and the most pills. */
const [longest, most] = [4_096, 10];

/** Returns the body of a message with ids in place of its pills, whose text is the name of a person or room. */
export function withIds(body: string, content: Content): string {
	const html = asText(content.formatted_body);
	if (html.length > longest || !html.includes("#/")) return body;
	let [words, pills] = [body, 0];
	for (const part of html.split(/<a\s/i).slice(1)) {
		const [, href = "", name = ""] =
			/^[^<>]{0,200}?href="([^"<>]{1,1000})"[^<>]{0,200}>([^<]{1,300})<\/a>/i.exec(part) ?? [];
		const id = typedId(plain(href));
		if (!/^[@#!]/.test(id) || pills++ === most) continue;
		const link = `[${plain(name)}](${plain(href)})`;
		words = words.includes(link) ? words.replace(link, () => id) : words.replace(plain(name), () => id);
	}
	return words;
}

const entities = new Map([
	["&lt;", "<"],
	["&gt;", ">"],
	["&quot;", '"'],
	["&#39;", "'"],
	["&amp;", "&"],
]);
const plain = (html: string) => html.replace(/&(?:lt|gt|quot|#39|amp);/g, (one) => entities.get(one) ?? one);
