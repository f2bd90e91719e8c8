import type { Rich, RichNode } from "../../../core/rich.ts";
import type { Element } from "../../stream/xml.ts";
import type { Atom } from "./styling.ts";

/** Formatting beside the body, as some clients send it: read only. */

/** XEP-0394: ranges of the body, in code points. `at` finds where one begins in `atoms`. */
export function markup(element: Element, atoms: readonly Atom[], at: (raw: number) => number): Rich {
	const found = element
		.getChildElements()
		.slice(0, most)
		.flatMap((one): Range[] => {
			const [start, end] = [at(Number(one.attrs.start)), at(Number(one.attrs.end))];
			if (!(start < end)) return [];
			const tags =
				one.getName() === "span" ? one.getChildElements().map((kind) => kind.getName()) : [one.getName()];
			const items = one.getChildren("li").map((item) => at(Number(item.attrs.start)));
			return tags.filter((tag) => Object.hasOwn(tagOf, tag)).map((tag) => ({ tag, start, end, items }));
		});
	// The outer before the inner.
	return tree(
		atoms,
		0,
		atoms.length,
		found.sort((a, b) => a.start - b.start || b.end - a.end),
	);
}
/** Ranges in one message, so that no stranger makes us busy. */
const most = 200;

type Range = Readonly<{ tag: string; start: number; end: number; items: readonly number[] }>;
const tagOf: Readonly<Record<string, (children: Rich) => RichNode>> = {
	emphasis: (children) => ({ tag: "italic", children }),
	strong: (children) => ({ tag: "bold", children }),
	deleted: (children) => ({ tag: "strike", children }),
	code: (children) => ({ tag: "code", children }),
	bcode: (children) => ({ tag: "preformatted", children }),
	bquote: (children) => ({ tag: "quote", children }),
	list: (children) => ({ tag: "list", ordered: false, children }),
};

function tree(atoms: readonly Atom[], from: number, to: number, ranges: readonly Range[]): Rich {
	const nodes: RichNode[] = [];
	let done = from;
	ranges.forEach((range, index) => {
		const start = Math.max(range.start, done);
		const end = Math.min(range.end, to);
		if (start >= end) return;
		nodes.push(...letterRun(atoms.slice(done, start)));
		const inner = ranges.slice(index + 1).filter((one) => one.start < end);
		const cuts = range.items.filter((at) => at > start && at < end);
		const children =
			range.tag === "list"
				? [start, ...cuts].map(
						(at, item): RichNode => ({ tag: "item", children: tree(atoms, at, cuts[item] ?? end, inner) }),
					)
				: tree(atoms, start, end, inner);
		nodes.push((tagOf[range.tag] as (children: Rich) => RichNode)(children));
		done = end;
	});
	return [...nodes, ...letterRun(atoms.slice(done, to))];
}

/** Plain letters: no styling inside. */
function letterRun(atoms: readonly Atom[]): Rich {
	const nodes: RichNode[] = [];
	for (const atom of atoms) {
		const last = nodes.at(-1);
		if (atom === "\n") nodes.push({ tag: "break" });
		else if (typeof atom === "string" && typeof last === "string") nodes[nodes.length - 1] = last + atom;
		else nodes.push(atom);
	}
	return nodes;
}

/** XEP-0071: the body of an XHTML-IM message. */
export function xhtml(body: Element): Rich {
	return body.children.flatMap((node) => (typeof node === "string" ? words(node) : read(node)));
}
const words = (text: string): Rich => (text === "" ? [] : [text.replace(/\s+/g, " ")]);

function read(element: Element): Rich {
	const children = xhtml(element);
	const tag = element.getName();
	switch (tag) {
		case "strong":
		case "b":
			return [{ tag: "bold", children }];
		case "em":
		case "i":
		case "cite":
			return [{ tag: "italic", children }];
		case "del":
		case "s":
		case "strike":
			return [{ tag: "strike", children }];
		case "u":
			return [{ tag: "underline", children }];
		case "code":
		case "tt":
			return [{ tag: "code", children }];
		case "pre":
			return [{ tag: "preformatted", children: [letters(element)] }];
		case "blockquote":
			return [{ tag: "quote", children }];
		case "p":
		case "div":
			return [{ tag: "paragraph", children: styledBy(element, children) }];
		case "ul":
		case "ol":
			return [{ tag: "list", ordered: tag === "ol", children }];
		case "li":
			return [{ tag: "item", children }];
		case "br":
			return [{ tag: "break" }];
		case "a": {
			const href = element.attrs.href ?? "";
			return /^(https?|mailto|xmpp|geo):/i.test(href) ? [{ tag: "link", href, children }] : children;
		}
		case "img":
			return words(element.attrs.alt ?? "");
		case "script":
		case "style":
			return [];
	}
	const level = /^h([1-6])$/.exec(tag)?.[1];
	if (level) return [{ tag: "heading", level: Number(level) as 1, children }];
	return styledBy(element, children);
}

const letters = (element: Element): string =>
	element.children.map((node) => (typeof node === "string" ? node : letters(node))).join("");

function styledBy(element: Element, children: Rich): Rich {
	const style = element.attrs.style ?? "";
	let rich = children;
	if (/font-weight:\s*bold/.test(style)) rich = [{ tag: "bold", children: rich }];
	if (/font-style:\s*italic/.test(style)) rich = [{ tag: "italic", children: rich }];
	if (/text-decoration:[^;]*line-through/.test(style)) rich = [{ tag: "strike", children: rich }];
	if (/text-decoration:[^;]*underline/.test(style)) rich = [{ tag: "underline", children: rich }];
	return rich;
}
