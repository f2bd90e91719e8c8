import { spend } from "./budget.ts";
import type { Person } from "./person.ts";

/**
 * Text with its formatting, as a neutral tree. Each network parses its markup into this tree and writes its markup from
 * it, so no foreign markup passes through.
 */
export type Rich = readonly RichNode[];
export type RichNode = string | Element;

type Parent<Tag extends string, More = unknown> = Readonly<{ tag: Tag; children: Rich }> & Readonly<More>;
export type Element =
	| Parent<"bold" | "italic" | "strike" | "underline" | "code" | "paragraph" | "quote" | "item">
	| Parent<"spoiler", { reason?: string }>
	| Parent<"preformatted", { language?: string }>
	| Parent<"heading", { level: 1 | 2 | 3 | 4 | 5 | 6 }>
	/** `start`: the number of the first item of an ordered list, if it is not 1. */
	| Parent<"list", { ordered: boolean; start?: number }>
	/**
	 * `href` leads to the web, to a mailbox, to a place on earth, or to a person or room of a network; each network
	 * checks the scheme.
	 */
	| Parent<"link", { href: string }>
	/** Absent `person`: everybody in the room. */
	| Parent<"mention", { person?: Person }>
	| Readonly<{ tag: "break" }>;

const blocks = new Set(["paragraph", "quote", "preformatted", "heading", "list", "item"]);

/** Levels of quotes that {@link plain} marks: a line has no more signs than this, however deep its quote is. */
const deepestSigned = 10;

/**
 * Visits each node of a tree in reading order: `enter` before the children of a node, `leave` after them. If `enter` returns
 * false, the walk skips the children. The walk is a loop, so a deep tree does not overflow the stack, and it spends the
 * budget of the translator that it runs in.
 * @throws OverBudget
 */
export function walk(
	rich: Rich,
	enter: (node: RichNode) => unknown,
	leave?: (node: Exclude<Element, { tag: "break" }>) => void,
): void {
	type Level = { nodes: Rich; next: number; of?: Exclude<Element, { tag: "break" }> };
	const path: Level[] = [{ nodes: rich, next: 0 }];
	for (let level = path.at(-1); level; level = path.at(-1)) {
		const node = level.nodes[level.next++];
		if (node === undefined) {
			path.pop();
			if (level.of) leave?.(level.of);
			continue;
		}
		spend(typeof node === "string" ? 1 + node.length : 1);
		if (enter(node) === false || typeof node === "string" || node.tag === "break") continue;
		path.push({ nodes: node.children, next: 0, of: node });
	}
}

/** Returns the text without formatting, blocks on lines of their own; `sign` stands before each quoted line. */
export function plain(rich: Rich, sign = ""): string {
	const parts: string[] = [];
	let lineStart = true;
	let quotes = 0;
	const write = (text: string) => {
		if (text === "") return;
		const signs = sign.repeat(Math.min(quotes, deepestSigned));
		if (signs === "") parts.push(text);
		else parts.push((lineStart ? signs : "") + text.replace(/\n(?!$)/g, `\n${signs}`));
		lineStart = text.endsWith("\n");
	};
	const endLine = () => {
		if (!lineStart) parts.push("\n");
		lineStart = true;
	};
	walk(
		rich,
		(node) => {
			if (typeof node === "string") return write(node);
			if (node.tag === "break") return write("\n");
			if (blocks.has(node.tag)) endLine();
			if (node.tag === "quote") quotes++;
		},
		(node) => {
			if (blocks.has(node.tag)) endLine();
			if (node.tag === "quote") quotes--;
		},
	);
	return parts.join("").replace(/\n$/, "");
}

/** The most mentioned people of one message whose addresses are looked up, each by a query of its own. */
const mostMentioned = 50;

/** Returns the first {@link mostMentioned} mentioned people; `room` is true if everybody in the room is mentioned. */
export function mentions(rich: Rich): Readonly<{ people: readonly Person[]; room: boolean }> {
	const people = new Map<string, Person>();
	let room = false;
	walk(rich, (node) => {
		if (typeof node === "string" || node.tag !== "mention") return;
		if (!node.person) room = true;
		else if (people.size < mostMentioned) people.set(`${node.person.network} ${node.person.id}`, node.person);
	});
	return { people: [...people.values()], room };
}

/** Returns about how many characters a node costs in the journal, without its children. */
export function weightOf(node: RichNode): number {
	if (typeof node === "string") return node.length;
	switch (node.tag) {
		case "link":
			return nodeWeight + node.href.length;
		case "spoiler":
			return nodeWeight + (node.reason?.length ?? 0);
		case "mention":
			// The journal stores the id of a person three times: as the id, the address and a handle.
			return (
				nodeWeight + (node.person ? 100 + 3 * node.person.id.length + (node.person.name?.length ?? 0) : 0)
			);
		default:
			return nodeWeight;
	}
}
/** Characters of `{"tag":"preformatted","children":[]}`. */
const nodeWeight = 36;

/** Returns about how many characters a tree costs in the journal. @throws OverBudget */
export function weightOfTree(rich: Rich): number {
	let weight = 0;
	walk(rich, (node) => {
		weight += weightOf(node);
	});
	return weight;
}
