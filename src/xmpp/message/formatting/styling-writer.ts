import type { Person } from "../../../core/event.ts";
import type { Element, Rich } from "../../../core/rich.ts";
import { clean } from "../../stream/xml.ts";
import type { Mention } from "../feature.ts";
import { isMark, isSpace, looksStyled, type Mark } from "./styling.ts";

/** Formatting written as XEP-0393, so that reading it gives the same back. What styling cannot say is left out. */

/** A code point, the sign of a quote, a name, or one of two marks that belong together. */
type Piece =
	| string
	| Readonly<{ sign: "> " }>
	| Readonly<{ name: string; person?: Person }>
	| { mark: Mark | "||"; pair: number; opens: boolean };
type Line = readonly Piece[];

export type Styled = Readonly<{
	text: string;
	mentions: readonly Mention[] /** It looks styled and is not. */;
	literal: boolean;
}>;

/** Before what looks like a mark and is none. Nobody sees it, and styling takes it for a letter. */
const joiner = "\u2060";

/** `named` is what somebody is called there. */
export function styled(rich: Rich, named: (person: Person) => string | undefined): Styled {
	let pairs = 0;
	/** Code: nothing in it is a mark. */
	const verbatim = new Set<Line>();
	let isStyled = false;

	function wrap(mark: Mark | "||", inside: readonly Piece[]): Piece[] {
		// §5.2: a span ends with its line, and has no blanks at its ends.
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
		return nodes.flatMap((node): Piece[] => {
			if (typeof node === "string") return Array.from(clean(node));
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
					return wrap("`", Array.from(letters(node.children)));
				case "spoiler":
					return [
						...Array.from(node.reason ? clean(`${node.reason}: `) : ""),
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

	function block(node: Element): Line[] {
		switch (node.tag) {
			case "quote":
				isStyled = true;
				return blocks(node.children).map((line) => {
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
					Array.from(line),
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
			const set: Line = [...Array.from(index === 0 ? sign : " ".repeat(sign.length)), ...line];
			if (verbatim.has(line)) verbatim.add(set);
			return set;
		});
	}

	function blocks(nodes: Rich): Line[] {
		const all: Line[] = [];
		let run: Rich = [];
		let paragraph = false;
		const flush = () => {
			// What only sets blocks of HTML apart is no line.
			if (run.some((node) => typeof node !== "string" || node.trim() !== "")) all.push(...split(inline(run)));
			run = [];
		};
		for (const node of nodes) {
			if (typeof node === "string" || !hasBlock(node)) {
				run = [...run, node];
				continue;
			}
			flush();
			if (node.tag === "paragraph" && paragraph) all.push([]);
			paragraph = node.tag === "paragraph";
			all.push(...block(node));
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
	const all: Piece[][] = [[]];
	for (const piece of pieces)
		if (piece === "\n") all.push([]);
		else all.at(-1)?.push(piece);
	return all;
}

const childrenOf = (node: Element): Rich => ("children" in node ? node.children : []);
const letters = (nodes: Rich): string =>
	nodes
		.map((node) =>
			typeof node === "string" ? clean(node) : node.tag === "break" ? "\n" : letters(childrenOf(node)),
		)
		.join("");
const blockTags = new Set(["paragraph", "quote", "preformatted", "heading", "list", "item"]);
const hasBlock = (node: Element): boolean =>
	blockTags.has(node.tag) || childrenOf(node).some((child) => typeof child !== "string" && hasBlock(child));

/** Styling has no links: the address follows the words, unless it is the words, or says nothing to people. */
function link(href: string, label: readonly Piece[]): Piece[] {
	const words = label
		.map((piece) => (typeof piece === "object" && "mark" in piece ? "" : wordsOf(piece)))
		.join("");
	const bare = href.replace(/^(mailto|xmpp):/, "");
	// A Matrix address is never shown where there is a name.
	if (
		words !== "" &&
		(words === href || words === bare || `${words}/` === href || href.startsWith("matrix:"))
	)
		return [...label];
	return words === "" ? Array.from(href) : [...label, ...Array.from(` (${href})`)];
}

/** After which a mark can open: nothing, a blank, a sign, a mark that opens. */
const isBefore = (piece: Piece | undefined) =>
	piece === undefined ||
	isSpace(piece) ||
	(typeof piece === "object" && ("sign" in piece || ("mark" in piece && piece.opens)));

/** Without the marks that would not be read as such where they stand: within words, around their own like. */
function valid(line: Line): Line {
	let kept = line;
	for (const piece of line) {
		if (typeof piece !== "object" || !("mark" in piece) || !piece.opens) continue;
		const { mark, pair } = piece;
		const start = kept.indexOf(piece);
		const end = kept.findIndex(
			(one) => typeof one === "object" && "mark" in one && one.pair === pair && !one.opens,
		);
		const inside = kept.slice(start + 1, end);
		const same = inside.some(
			(one) => one === mark[0] || (typeof one === "object" && "mark" in one && one.mark === mark),
		);
		if (!isBefore(kept[start - 1]) || same || inside.length === 0)
			kept = kept.filter((one) => typeof one !== "object" || !("mark" in one) || one.pair !== pair);
	}
	return kept;
}

/** With a joiner before what somebody wrote that would be read as a mark. */
function guarded(line: Line): Line {
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
	let length = 0;
	all.forEach((line, index) => {
		for (const piece of [...(index > 0 ? ["\n"] : []), ...line]) {
			const words = wordsOf(piece);
			const end = length + Array.from(words).length;
			if (typeof piece === "object" && "name" in piece)
				mentions.push({ start: length, end, ...(piece.person && { person: piece.person }) });
			text += words;
			length = end;
		}
	});
	return { text, mentions };
}
