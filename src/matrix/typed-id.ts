import { withinBudget } from "../core/budget.ts";
import { decoded, unwrapped } from "../core/pasted.ts";
import { plain, walk } from "../core/rich.ts";
import { text as asText, type Content } from "./event.ts";
import { parseHtml } from "./html.ts";

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
	if (html.length > longest || !html.includes("href")) return body;
	return withinBudget(
		html.length,
		() => pillsIn(html).reduce(withId, body),
		() => body,
	);
}

type Pill = Readonly<{ href: string; id: string; name: string }>;

/** @throws OverBudget */
function pillsIn(html: string): readonly Pill[] {
	const pills: Pill[] = [];
	walk(
		parseHtml(html, () => undefined),
		(node) => {
			if (typeof node === "string" || node.tag !== "link") return;
			const id = typedId(node.href);
			const name = plain(node.children);
			if (/^[@#!]/.test(id) && name !== "" && pills.length < most) pills.push({ href: node.href, id, name });
		},
	);
	return pills;
}

/** Clients write the name of a pill into the body, or a link of Markdown. */
function withId(body: string, { href, id, name }: Pill): string {
	const link = `[${name}](${href})`;
	return body.replace(body.includes(link) ? link : name, () => id);
}
