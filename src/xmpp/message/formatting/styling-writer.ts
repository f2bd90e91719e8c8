import { spend } from "../../../core/budget.ts";
import type { Person } from "../../../core/person.ts";
import type { Element, Rich, RichNode } from "../../../core/rich.ts";
import { clean } from "../../stream/xml.ts";
import { length, type Mention } from "../feature.ts";
import { isMark, isSpace, looksStyled, type Mark } from "./styling.ts";

/** Writes formatting as styling (XEP-0393), so that reading it returns the same formatting. The rest is left out. */

/** A code point, the sign of a quote, a mention, or one of a pair of styling marks. */
type Piece =
	| string
	| Readonly<{ sign: "> " }>
	| Readonly<{ name: string; person?: Person }>
	| { mark: Mark | "||"; pair: number; opens: boolean };
type Line = readonly Piece[];

export type Styled = Readonly<{
	text: string;
	mentions: readonly Mention[];
	/** The text looks styled but is not, so it needs the element `unstyled`. */
	literal: boolean;
}>;

/**
 * An invisible character that goes before a literal "*" and the like: styling takes it for a letter, so no span
 * opens.
 */
const joiner = "\u2060";

/** Returns the formatting as styled text with its mentions. `named` returns a person's nick in the target room. */
export function styled(rich: Rich, named: (person: Person) => string | undefined): Styled {
	let pairs = 0;
	/** The lines of code blocks, which contain no marks. */
	const verbatim = new Set<Line>();
	let isStyled = false;

	function wrap(mark: Mark | "||", inside: readonly Piece[]): Piece[] {
		// §5.2: a span ends with its line and neither begins nor ends with a blank.
		return split(inside).flatMap((line, index) => {
			const start = line.findIndex((piece) => !isSpace(piece));
			const end = line.findLastIndex((piece) => !isSpace(piece)) + 1;
			const pair = ++pairs;
			const around = (opens: boolean) => (start < 0 ? [] : [{ mark, pair, opens }]);
			const words = [
				...line.slice(0, Math.max(start, 0)),
				...around(true),
				...line.slice(Math.max(start, 0), end),
			];
			return [...(index > 0 ? ["\n"] : []), ...words, ...around(false), ...line.slice(end)];
		});
	}

	function inline(nodes: Rich): Piece[] {
		spend(nodes.length);
		return nodes.flatMap((node): Piece[] => {
			if (typeof node === "string") return characters(clean(node));
			switch (node.tag) {
				case "break":
					return ["\n"];
				case "bold":
					return wrap("*", inline(node.children));
				case "italic":
					return wrap("_", inline(node.children));
				case "strike":
					return wrap("~", inline(node.children));
				case "code":
					return wrap("`", characters(letters(node.children)));
				case "spoiler":
					return [
						...characters(node.reason ? clean(`${node.reason}: `) : ""),
						...wrap("||", inline(node.children)),
					];
				case "link":
					return link(node.href, inline(node.children));
				case "mention": {
					const name = (node.person && named(node.person)) || letters(node.children);
					return [{ name: clean(name), ...(node.person && { person: node.person }) }];
				}
				case "underline":
				case "paragraph":
				case "quote":
				case "preformatted":
				case "heading":
				case "list":
				case "item":
					return inline(node.children);
				default:
					return node satisfies never;
			}
		});
	}

	/** Caches whether a node is or contains a block, so that each node is visited once. */
	const withBlock = new Map<Element, boolean>();
	function hasBlock(node: Element): boolean {
		const known = withBlock.get(node);
		if (known !== undefined) return known;
		spend();
		const has =
			blockTags.has(node.tag) ||
			childrenOf(node).some((child) => typeof child !== "string" && hasBlock(child));
		withBlock.set(node, has);
		return has;
	}

	function block(node: Element): Line[] {
		switch (node.tag) {
			case "quote":
				isStyled = true;
				return blocks(node.children).map((line) => {
					spend(line.length + 1);
					const quoted: Line = [{ sign: "> " }, ...line];
					if (verbatim.has(line)) verbatim.add(quoted);
					return quoted;
				});
			case "preformatted": {
				isStyled = true;
				const code = letters(node.children)
					.replace(/\n$/, "")
					.split("\n")
					.map((line) => (line.startsWith("```") ? joiner + line : line));
				const all = [`\`\`\`${(node.language ?? "").replace(/[\s`]/g, "")}`, ...code, "```"].map((line) =>
					characters(line),
				);
				for (const line of all) verbatim.add(line);
				return all;
			}
			case "heading":
				return split(wrap("*", inline(node.children)));
			case "list":
				return node.children.flatMap((item, index) =>
					listed(
						node.ordered ? `${(node.start ?? 1) + index}. ` : "- ",
						typeof item === "string" ? [item] : childrenOf(item),
					),
				);
			case "item":
				return listed("- ", node.children);
			default:
				return blocks(childrenOf(node));
		}
	}

	function listed(sign: string, children: Rich): Line[] {
		return blocks(children).map((line, index) => {
			spend(line.length + sign.length);
			const set: Line = [...Array.from(index === 0 ? sign : " ".repeat(sign.length)), ...line];
			if (verbatim.has(line)) verbatim.add(set);
			return set;
		});
	}

	function blocks(nodes: Rich): Line[] {
		const all: Line[] = [];
		let run: RichNode[] = [];
		let paragraph = false;
		spend(nodes.length);
		const add = (lines: readonly Line[]) => {
			for (const line of lines) all.push(line);
		};
		const flush = () => {
			// Whitespace between the blocks of HTML makes no line.
			if (run.some((node) => typeof node !== "string" || node.trim() !== "")) add(split(inline(run)));
			run = [];
		};
		for (const node of nodes) {
			if (typeof node === "string" || !hasBlock(node)) {
				run.push(node);
				continue;
			}
			flush();
			if (node.tag === "paragraph" && paragraph) all.push([]);
			paragraph = node.tag === "paragraph";
			add(block(node));
		}
		flush();
		return all;
	}

	const made = blocks(rich).map((line) => (verbatim.has(line) ? line : valid(line)));
	isStyled ||= made.some((line) => line.some((piece) => typeof piece === "object" && "mark" in piece));
	const { text, mentions } = flat(
		isStyled ? made.map((line) => (verbatim.has(line) ? line : guarded(line))) : made,
	);
	return { text, mentions, literal: !isStyled && looksStyled(text) };
}

function split(pieces: readonly Piece[]): Piece[][] {
	spend(pieces.length);
	const all: Piece[][] = [[]];
	for (const piece of pieces)
		if (piece === "\n") all.push([]);
		else all.at(-1)?.push(piece);
	return all;
}

function characters(text: string): string[] {
	spend(text.length);
	return Array.from(text);
}

const childrenOf = (node: Element): Rich => ("children" in node ? node.children : []);
const letters = (nodes: Rich): string =>
	nodes
		.map((node) =>
			typeof node === "string" ? clean(node) : node.tag === "break" ? "\n" : letters(childrenOf(node)),
		)
		.join("");
const blockTags = new Set(["paragraph", "quote", "preformatted", "heading", "list", "item"]);

/** Writes a link, which styling lacks: the label, then the URL in brackets unless the label is the URL itself. */
function link(href: string, label: readonly Piece[]): Piece[] {
	const words = label
		.map((piece) => (typeof piece === "object" && "mark" in piece ? "" : wordsOf(piece)))
		.join("");
	const bare = href.replace(/^(mailto|xmpp):/, "");
	// A Matrix URI is never shown if it has a label.
	if (
		words !== "" &&
		(words === href || words === bare || `${words}/` === href || href.startsWith("matrix:"))
	)
		return [...label];
	return words === "" ? Array.from(href) : [...label, ...Array.from(` (${href})`)];
}

/** True if a mark can open after this piece: at the start, or after a blank, a quote sign or an opening mark. */
const isBefore = (piece: Piece | undefined) =>
	piece === undefined ||
	isSpace(piece) ||
	(typeof piece === "object" && ("sign" in piece || ("mark" in piece && piece.opens)));

/** Removes the pairs of marks that a reader would not take for marks: inside words, or around the same mark. */
function valid(line: Line): Line {
	spend(2 * line.length);
	/** How often a sign has occurred so far, as a mark or as a letter. */
	const met = new Map<string, number>();
	const meet = (sign: string) => met.set(sign, (met.get(sign) ?? 0) + 1);
	/** By pair: the index where it opens, and how often its sign had occurred by then. */
	const begun = new Map<number, Readonly<{ at: number; before: number }>>();
	/** The pairs to remove: nothing or the same sign is between their marks. */
	const spoilt = new Set<number>();
	line.forEach((piece, at) => {
		if (isMark(piece) || piece === "|") meet(piece);
		if (typeof piece !== "object" || !("mark" in piece)) return;
		const sign = piece.mark[0] as string;
		if (piece.opens) {
			meet(sign);
			begun.set(piece.pair, { at, before: met.get(sign) ?? 0 });
			return;
		}
		const start = begun.get(piece.pair);
		if (!start || at === start.at + 1 || (met.get(sign) ?? 0) > start.before) spoilt.add(piece.pair);
		meet(sign);
	});
	const kept: Piece[] = [];
	for (const piece of line) {
		const isPair = typeof piece === "object" && "mark" in piece;
		if (isPair && piece.opens && !isBefore(kept.at(-1))) spoilt.add(piece.pair);
		if (!isPair || !spoilt.has(piece.pair)) kept.push(piece);
	}
	return kept;
}

/** Puts a joiner before each literal character that would be read as a mark. */
function guarded(line: Line): Line {
	spend(line.length);
	let inCode = false;
	return line.flatMap((piece, index): Line => {
		if (typeof piece === "object" && "mark" in piece && piece.mark === "`") inCode = piece.opens;
		if (inCode || typeof piece !== "string") return [piece];
		const before = line[index - 1];
		const first = before === undefined || (typeof before === "object" && "sign" in before);
		const block = first && (piece === ">" || (piece === "`" && line[index + 1] === "`"));
		return block || (isBefore(before) && (isMark(piece) || piece === "|")) ? [joiner, piece] : [piece];
	});
}

function wordsOf(piece: Piece): string {
	if (typeof piece === "string") return piece;
	return "name" in piece ? piece.name : "sign" in piece ? piece.sign : piece.mark;
}

function flat(all: readonly Line[]): { text: string; mentions: readonly Mention[] } {
	const mentions: Mention[] = [];
	let text = "";
	let end = 0;
	all.forEach((line, index) => {
		for (const piece of [...(index > 0 ? ["\n"] : []), ...line]) {
			const words = wordsOf(piece);
			const start = end;
			end += length(words);
			if (typeof piece === "object" && "name" in piece)
				mentions.push({ start, end, ...(piece.person && { person: piece.person }) });
			text += words;
		}
	});
	return { text, mentions };
}
