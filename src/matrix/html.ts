import { Parser } from "htmlparser2";
import { OverBudget, spend } from "../core/budget.ts";
import type { Person } from "../core/person.ts";
import { type Element, type Rich, type RichNode, weightOf } from "../core/rich.ts";
import { isId } from "./event.ts";

// Reads Matrix HTML into the neutral tree; to-html.ts writes HTML from it. Only this file knows htmlparser2. Markup that
// the tree cannot express is dropped, and foreign markup is never written out. // Matrix spec, "m.room.message msgtypes"

/** Nesting depth up to which tags count; deeper tags are ignored and their text is kept. The spec allows 100. */
const deepest = 30;
/** Largest href in bytes; a longer one is read as no link. */
const longestLink = 2_048;
/** Bound on the tree's weight in the journal, in characters: per character of its HTML, plus a constant. */
const [heaviest, heaviestBase] = [25, 10_000];

type Part = Exclude<Element, { tag: "break" }>;
/** An element without its children. */
type Head = Part extends infer One ? (One extends Part ? Omit<One, "children"> : never) : never;
/** An open tag that has an element in the tree. `attached`: the element is in the tree already. */
type Open = { head: Head; children: RichNode[]; attached: boolean };

// Tag names are foreign text, so the tables are maps: a plain object also has a `constructor`.
const inline = new Map<string, "bold" | "italic" | "strike" | "underline" | "code">(
	Object.entries({
		...({ b: "bold", strong: "bold", i: "italic", em: "italic", u: "underline", ins: "underline" } as const),
		...({ s: "strike", del: "strike", strike: "strike", code: "code", tt: "code" } as const),
	}),
);
const block = new Map<string, "paragraph" | "quote" | "item">(
	Object.entries({
		...({ p: "paragraph", div: "paragraph", table: "paragraph", summary: "paragraph" } as const),
		...({ dt: "paragraph", dd: "paragraph", caption: "paragraph", section: "paragraph" } as const),
		...({ blockquote: "quote", li: "item" } as const),
	}),
);
const blocks = new Set<string>(["paragraph", "heading", "quote", "item", "list", "preformatted"]);
/** Elements whose content is literal: tags inside them are ignored. */
const literal = new Set<string>(["code", "preformatted", "mention"]);
/** Tags whose content is dropped. The bridge takes a reply's quote from the event that the reply points at. */
const dropped = new Set(["mx-reply", "script", "style", "title", "template", "iframe", "noscript", "head"]);

/** Returns the element that a tag opens, undefined for a tag without one. */
function opens(
	name: string,
	attributes: Readonly<Record<string, string>>,
	person: (mxid: string) => Person | undefined,
): Head | undefined {
	const tag = inline.get(name) ?? block.get(name);
	if (tag) return { tag };
	const level = /^h([1-6])$/.exec(name)?.[1];
	if (level) return { tag: "heading", level: Number(level) as 1 };
	switch (name) {
		case "ul":
			return { tag: "list", ordered: false };
		case "ol": {
			const start = /^\d{1,6}$/.test(attributes.start ?? "") ? Number(attributes.start) : 1;
			return { tag: "list", ordered: true, ...(start !== 1 && { start }) };
		}
		case "pre":
			return { tag: "preformatted" };
		case "span": {
			const reason = attributes["data-mx-spoiler"];
			return reason === undefined ? undefined : { tag: "spoiler", ...(reason && { reason }) };
		}
		case "a": {
			const { href = "" } = attributes;
			const mxid = personIn(href);
			const who = mxid === undefined ? undefined : person(mxid);
			if (who) return { tag: "mention", person: who };
			return isLink(href) ? { tag: "link", href } : undefined;
		}
		default:
			return undefined;
	}
}

/**
 * Returns the tree of a formatted_body: blocks stand in blocks only, no inline element stands in a second one of its
 * kind, and no element is empty. `person` looks up the person who has an MXID.
 * @throws OverBudget when the tree would outgrow its HTML: an inline tag that begins anew in each block repeats its link.
 */
export function parseHtml(html: string, person: (mxid: string) => Person | undefined): Rich {
	const root: RichNode[] = [];
	const tags: { open?: Open; drops?: true; small?: true }[] = [];
	/** The open tags sup and sub, the innermost last. */
	const smalls: ("sup" | "sub")[] = [];
	let around: Open[] = [];
	/** The open inline tags, begun anew in every block: HTML may make a block bold, the tree makes its content bold. */
	let inlines: Open[] = [];
	let dropping = 0;
	let weightLeft = heaviestBase + heaviest * html.length;
	/** White space was read; it is written only if text follows it on its line. */
	let space = false;
	let lineStart = true;
	const table = { rows: 0, cells: 0 };
	/** True right after <pre>, where a line break is ignored. // HTML Living Standard §13.1.2.5 */
	let preStart = false;

	const within = (tag: Head["tag"]) => inlines.some(({ head }) => head.tag === tag);
	/** Returns the open elements, the outermost first. A code block is literal, so no inline element continues in it. */
	const path = () => (around.at(-1)?.head.tag === "preformatted" ? around : [...around, ...inlines]);
	const innermost = () => path().at(-1)?.head.tag;

	function append(to: RichNode[], node: RichNode): void {
		weightLeft -= weightOf(node);
		if (weightLeft < 0) throw new OverBudget("the tree of the HTML is too large");
		const last = to.at(-1);
		if (typeof node === "string" && typeof last === "string") to[to.length - 1] = last + node;
		else to.push(node);
	}

	/** Appends a node at the current position. Attaches the open elements around it first, and before them the pending space. */
	function put(node: RichNode): void {
		let to = root;
		let parted = !space || lineStart;
		const opened = path();
		spend(1 + opened.length);
		for (const open of opened) {
			if (!open.attached) {
				if (!parted) append(to, " ");
				parted = true;
				append(to, { ...open.head, children: open.children } as Part);
				open.attached = true;
			}
			to = open.children;
		}
		if (!parted) append(to, " ");
		append(to, node);
		space = false;
		lineStart = false;
	}

	function say(text: string): void {
		spend(text.length);
		if (innermost() === "preformatted") {
			const words = preStart ? text.replace(/^\r?\n/, "") : text;
			preStart = false;
			if (words) put(words.replace(/\r\n?/g, "\n"));
			return;
		}
		const words = text.replace(/[ \t\n\r\f]+/g, " ");
		if (words.startsWith(" ")) space = true;
		if (words === "" || words === " ") return;
		put(words.replace(/^ | $/g, ""));
		if (words.endsWith(" ")) space = true;
	}

	function newLine(): void {
		space = false;
		lineStart = true;
		inlines = inlines.map(({ head }) => ({ head, children: [], attached: false }));
	}

	function openBlock(open: Open): void {
		newLine();
		const { tag } = open.head;
		const last = around.at(-1)?.head.tag;
		if (last === "paragraph" || last === "heading") around.pop();
		const before = around.findLastIndex(({ head }) => /^(item|list|quote)$/.test(head.tag));
		if (tag === "item" && around[before]?.head.tag === "item") around = around.slice(0, before);
		around.push(open);
		preStart = tag === "preformatted";
	}

	function close(open: Open): void {
		if (!blocks.has(open.head.tag)) {
			const index = inlines.findLastIndex(({ head }) => head === open.head);
			if (index >= 0) inlines.splice(index, 1);
			return;
		}
		const last = open.children.at(-1);
		// The line break before </pre> ends the last line and begins no further one.
		if (open.head.tag === "preformatted" && typeof last === "string")
			open.children.splice(-1, 1, ...[last.replace(/\n$/, "")].filter(Boolean));
		const index = around.indexOf(open);
		if (index >= 0) around = around.slice(0, index);
		newLine();
	}

	function breakLine(): void {
		if (innermost() === "preformatted") put("\n");
		else if (literal.has(innermost() ?? "")) space = true;
		else {
			space = false;
			put({ tag: "break" });
			lineStart = true;
		}
	}

	/** Resets the counters: a table is written as lines of cells, so a table starts at row 0 and a row at cell 0. */
	function count(name: string): void {
		if (name === "table") table.rows = 0;
		if (name === "tr") table.cells = 0;
	}

	/** Sets the language of a code block from the class of the <code> in it. */
	function language(classes: string): void {
		const pre = around.at(-1);
		const found = /(?:^|\s)language-([\w+#.-]{1,32})(?:\s|$)/.exec(classes)?.[1];
		if (pre?.head.tag === "preformatted" && !pre.attached && found)
			pre.head = { tag: "preformatted", language: found };
	}

	function begin(name: string, attributes: Readonly<Record<string, string>>): Open | undefined {
		count(name);
		const inLiteral = literal.has(innermost() ?? "");
		const head =
			inLiteral || around.length + inlines.length >= deepest ? undefined : opens(name, attributes, person);
		if (!head || within(head.tag) || (head.tag === "mention" && within("link"))) {
			if (name === "br") breakLine();
			else if (name === "img") say(attributes.alt || attributes.title || "");
			else if (name === "tr" && table.rows++ > 0) breakLine();
			else if ((name === "td" || name === "th") && table.cells++ > 0) say(" | ");
			else if (name === "code") language(attributes.class ?? "");
			else if (name === "hr" && !inLiteral) {
				newLine();
				put(rule);
				newLine();
			}
			return undefined;
		}
		// XMPP and MQTT cannot hide a code block, so one within a spoiler becomes a paragraph.
		const hidden = head.tag === "preformatted" && within("spoiler");
		const open: Open = { head: hidden ? { tag: "paragraph" } : head, children: [], attached: false };
		if (blocks.has(open.head.tag)) openBlock(open);
		else inlines.push(open);
		return open;
	}

	const parser = new Parser({
		onopentag(name, attributes) {
			// For each closing tag the parser searches all open tags.
			spend(1 + tags.length);
			if (name !== "pre") preStart = false;
			if (dropped.has(name)) dropping++;
			const open = dropping > 0 ? undefined : begin(name, attributes);
			const isSmall = name === "sup" || name === "sub";
			if (isSmall) smalls.push(name);
			tags.push({
				...(open && { open }),
				...(dropped.has(name) && { drops: true }),
				...(isSmall && { small: true }),
			});
		},
		ontext(text) {
			if (dropping === 0) say(small(text, smalls.at(-1)));
		},
		onclosetag() {
			spend(deepest);
			const tag = tags.pop();
			if (tag?.drops) dropping--;
			if (tag?.small) smalls.pop();
			if (tag?.open) close(tag.open);
		},
	});
	parser.end(html);
	return root;
}

/** The characters that Unicode has in both sizes, in the same order in each line. */
const sizes = { base: "0123456789+-=()", sup: "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾", sub: "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎" } as const;

/** Returns the text of a superscript or subscript: "x<sup>2</sup>" is not "x2". Text with other characters stays as it is. */
const small = (text: string, size: "sup" | "sub" | undefined): string =>
	size === undefined || !/^[\d+=()-]+$/.test(text)
		? text
		: Array.from(text, (char) => sizes[size][sizes.base.indexOf(char)] ?? char).join("");

/** The text that stands for <hr>. */
const rule = "———";

/** Whether a link has one of the schemes that are safe to click, and a permitted length. */
export const isLink = (href: string) =>
	/^(https?|mailto|xmpp|geo|matrix):[^\s\p{Cc}]+$/iu.test(href) && Buffer.byteLength(href) <= longestLink;

/**
 * Returns the MXID of a link to a person, undefined for any other link. Element does not escape the MXID, and a localpart
 * may hold a slash.
 * // Matrix spec, appendix "matrix.to navigation" and "Matrix URI scheme"
 */
export function personIn(href: string): string | undefined {
	if (href.length > longestLink) return undefined;
	const to = /^https:\/\/matrix\.to\/#\/((?:@|%40)[^?:]+?(?::|%3A)[^?/]+)(?:[?/]|$)/i.exec(href)?.[1];
	const uri = /^matrix:u\/([^?/]+)(?:[?/]|$)/i.exec(href)?.[1];
	try {
		const mxid = to ? decodeURIComponent(to) : uri ? `@${decodeURIComponent(uri)}` : "";
		return mxid !== "" && isId(mxid) ? mxid : undefined;
	} catch {
		return undefined;
	}
}
