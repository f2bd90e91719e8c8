import { spend } from "../../../core/budget.ts";
import type { Rich, RichNode } from "../../../core/rich.ts";
import type { Element } from "../../stream/xml.ts";
import type { Atom } from "./styling.ts";

/** The most elements of one markup that are read. */
const most = 200;
/** The deepest nesting of ranges; a deeper range is left out. */
const deepest = 20;

type Node = Exclude<RichNode, string>;
const tags: ReadonlyMap<string, (children: Rich) => Node> = new Map<string, (children: Rich) => Node>([
	["emphasis", (children) => ({ tag: "italic", children })],
	["strong", (children) => ({ tag: "bold", children })],
	["deleted", (children) => ({ tag: "strike", children })],
	["code", (children) => ({ tag: "code", children })],
	["bcode", (children) => ({ tag: "preformatted", children })],
	["bquote", (children) => ({ tag: "quote", children })],
	["list", (children) => ({ tag: "list", ordered: false, children })],
]);

/** A range of atoms; a list begins a new item at each of `items`, which ascend. */
type Range = Readonly<{ tag: string; start: number; end: number; items: readonly number[] }>;
/** A range that the sweep has not left: `node` is its element's children, `into` is where the next nodes are added. */
type Open = { readonly range: Range; readonly node: RichNode[]; into: RichNode[]; nextItem: number };

/**
 * Returns the formatting of XEP-0394, whose ranges count code points of the body; `at` finds the atom at a code point.
 * The sweep visits each atom once. A range that overlaps the end of another is split there.
 */
export function markup(element: Element, atoms: readonly Atom[], at: (raw: number) => number): Rich {
	const ranges = element
		.getChildElements()
		.slice(0, most)
		.flatMap((one) => rangesOf(one, at))
		// An outer range precedes its inner ones.
		.sort((a, b) => a.start - b.start || b.end - a.end);
	const cuts = new Set(ranges.flatMap(({ start, end, items }) => [start, ...items, end]));
	const root: RichNode[] = [];
	const open: Open[] = [];
	const into = () => open.at(-1)?.into ?? root;

	function enter(range: Range, position: number) {
		spend();
		const node: RichNode[] = [];
		into().push((tags.get(range.tag) as (children: Rich) => Node)(node));
		const one: Open = { range, node, into: node, nextItem: 0 };
		open.push(one);
		if (range.tag === "list") beginItem(one, position);
	}
	function beginItem(list: Open, position: number) {
		list.into = [];
		list.node.push({ tag: "item", children: list.into });
		for (; (list.range.items[list.nextItem] ?? Number.POSITIVE_INFINITY) <= position; list.nextItem++)
			spend();
	}
	/** Closes the ranges that end here, begins list items, and splits the ranges that overlap such an end. */
	function turn(position: number) {
		spend(open.length);
		const changes = open.findIndex(
			({ range, nextItem }) => range.end <= position || range.items[nextItem] === position,
		);
		const list = open[changes];
		if (!list) return;
		const goesOn = list.range.end > position;
		const left = open.splice(goesOn ? changes + 1 : changes);
		if (goesOn) beginItem(list, position);
		for (const { range } of left) if (range.end > position) enter(range, position);
	}

	let done = 0;
	let next = 0;
	for (const position of [...cuts].sort((a, b) => a - b)) {
		addLetters(into(), atoms, done, position);
		done = position;
		turn(position);
		for (; ranges[next]?.start === position; next++)
			if (open.length < deepest) enter(ranges[next] as Range, position);
	}
	addLetters(into(), atoms, done, atoms.length);
	return root;
}

function rangesOf(element: Element, at: (raw: number) => number): readonly Range[] {
	const [start, end] = [at(Number(element.attrs.start)), at(Number(element.attrs.end))];
	if (!(start < end)) return [];
	const name = element.getName();
	const named = name === "span" ? element.getChildElements().map((kind) => kind.getName()) : [name];
	const items = element
		.getChildren("li")
		.map((item) => at(Number(item.attrs.start)))
		.filter((position) => position > start && position < end)
		.sort((a, b) => a - b);
	spend(named.length + items.length);
	return [...new Set(named)].filter((tag) => tags.has(tag)).map((tag) => ({ tag, start, end, items }));
}

/** Adds the atoms from `start` up to but not including `end` as plain text. */
function addLetters(nodes: RichNode[], atoms: readonly Atom[], start: number, end: number): void {
	spend(end - start);
	for (let i = start; i < end; i++) {
		const atom = atoms[i] as Atom;
		const last = nodes.at(-1);
		if (atom === "\n") nodes.push({ tag: "break" });
		else if (typeof atom === "string" && typeof last === "string") nodes[nodes.length - 1] = last + atom;
		else nodes.push(atom);
	}
}
