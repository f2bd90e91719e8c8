import { Parser } from "htmlparser2";
import { OverBudget, spend } from "../core/budget.ts";
import type { Person } from "../core/person.ts";
import { type Element, type Rich, type RichNode, weightOf } from "../core/rich.ts";
import { isId } from "./event.ts";

// Matrix HTML to the neutral tree; to-html.ts writes it. The only file that knows htmlparser2. What crosses is what the
// tree can say: nothing of the markup that came in is ever written out. // Matrix spec, "m.room.message msgtypes"

/** How deep tags count; what is nested deeper is as if its tags were not there. The spec allows 100. */
const deepest = 30;
/** Bytes of a link; a longer one is none. */
const longestLink = 2_048;
/** Characters that a tree may weigh in the journal: for each character of its HTML, and besides. */
const [heaviest, heaviestBase] = [25, 10_000];

type Part = Exclude<Element, { tag: "break" }>;
/** An element without what is in it. */
type Head = Part extends infer One ? (One extends Part ? Omit<One, "children"> : never) : never;
/** A tag that is open and means something to us. */
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
/** Within these tags count for nothing. */
const literal = new Set<string>(["code", "preformatted", "mention"]);
/** What is in these is not for people; what a reply quotes we know from what it answers. */
const dropped = new Set(["mx-reply", "script", "style", "title", "template", "iframe", "noscript", "head"]);

/** What a tag opens, if it means anything to us. */
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
 * The tree of a formatted_body: blocks stand in blocks only, what is inline in no second of its kind, and nothing is
 * empty. `person`: who has this MXID.
 * @throws OverBudget where the tree would outgrow its HTML: an open tag that begins anew in each block repeats its link.
 */
export function parseHtml(html: string, person: (mxid: string) => Person | undefined): Rich {
	const root: RichNode[] = [];
	const tags: { open?: Open; drops?: true }[] = [];
	let around: Open[] = [];
	/** Begun anew in every block: markup may say that a block is bold, the tree says that what is in it is. */
	let inlines: Open[] = [];
	let dropping = 0;
	let weightLeft = heaviestBase + heaviest * html.length;
	/** White space is there only if something follows it on its line. */
	let space = false;
	let lineStart = true;
	const table = { rows: 0, cells: 0 };
	/** A line break right after <pre> does not count. // HTML Living Standard §13.1.2.5 */
	let preStart = false;

	const within = (tag: Head["tag"]) => inlines.some(({ head }) => head.tag === tag);
	/** A code block is literal: nothing inline goes on in it. */
	const path = () => (around.at(-1)?.head.tag === "preformatted" ? around : [...around, ...inlines]);
	const innermost = () => path().at(-1)?.head.tag;

	function append(to: RichNode[], node: RichNode): void {
		weightLeft -= weightOf(node);
		if (weightLeft < 0) throw new OverBudget("the tree of the HTML is too large");
		const last = to.at(-1);
		if (typeof node === "string" && typeof last === "string") to[to.length - 1] = last + node;
		else to.push(node);
	}

	/** Puts something where we are. Only now what it is in becomes real, and a space before it stands before that. */
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
		// Its last line ends with it.
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

	/** A table is lines of cells: a row begins anew, and so does a table. */
	function count(name: string): void {
		if (name === "table") table.rows = 0;
		if (name === "tr") table.cells = 0;
	}

	/** Of a code block, which the <code> in it names. */
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
		// A code block could not be hidden.
		const hidden = head.tag === "preformatted" && within("spoiler");
		const open: Open = { head: hidden ? { tag: "paragraph" } : head, children: [], attached: false };
		if (blocks.has(open.head.tag)) openBlock(open);
		else inlines.push(open);
		return open;
	}

	const parser = new Parser({
		onopentag(name, attributes) {
			// The parser looks for the open tag of a closing one in all that are open.
			spend(1 + tags.length);
			if (name !== "pre") preStart = false;
			if (dropped.has(name)) dropping++;
			const open = dropping > 0 ? undefined : begin(name, attributes);
			tags.push({ ...(open && { open }), ...(dropped.has(name) && { drops: true }) });
		},
		ontext(text) {
			if (dropping === 0) say(text);
		},
		onclosetag() {
			spend(deepest);
			const tag = tags.pop();
			if (tag?.drops) dropping--;
			if (tag?.open) close(tag.open);
		},
	});
	parser.end(html);
	return root;
}

/** A line across, in words. */
const rule = "———";

/** Whether a link is of the kinds that lead somewhere and do nothing. */
export const isLink = (href: string) =>
	/^(https?|mailto|xmpp|geo|matrix):[^\s\p{Cc}]+$/iu.test(href) && Buffer.byteLength(href) <= longestLink;

/**
 * Whom a link leads to, if to a person. Element writes the MXID as it is, and one may hold a slash before its colon.
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
