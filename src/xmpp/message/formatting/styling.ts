import { spend } from "../../../core/budget.ts";
import type { Element, Rich, RichNode } from "../../../core/rich.ts";

/** Reads styling (XEP-0393) into formatting, in time linear in the text. styling-writer.ts writes it. */

/** A code point, or an element that was found in the text already (a mention), which styling does not look into. */
export type Atom = string | Element;

const spans = new Map([
	["*", "bold"],
	["_", "italic"],
	["~", "strike"],
	["`", "code"],
] as const);
export type Mark = "*" | "_" | "~" | "`";
export const isMark = (atom: unknown): atom is Mark => spans.has(atom as Mark);
export const isSpace = (atom: unknown) => typeof atom === "string" && /^\s$/.test(atom);
/** The deepest nesting of quotes; a deeper quote stays text. */
const deepest = 20;

/** Returns the formatting of a text; for an unstyled text, its lines with breaks between them. */
export function styling(atoms: readonly Atom[]): Rich {
	return blocks(lines(atoms), 0);
}

/** True if the text contains a character that styling uses. */
export const hasMarks = (text: string): boolean => /[*_~`>|]/.test(text);
/** True if a client that reads styling would show any of the text as styled. */
export const looksStyled = (text: string): boolean =>
	hasMarks(text) && styling(Array.from(text)).some((node) => !isPlain(node));
export const isPlain = (node: RichNode) =>
	typeof node === "string" || node.tag === "break" || node.tag === "mention";

function lines(atoms: readonly Atom[]): readonly (readonly Atom[])[] {
	spend(atoms.length);
	const all: Atom[][] = [[]];
	for (const atom of atoms)
		if (atom === "\n") all.push([]);
		else all.at(-1)?.push(atom);
	return all;
}

const languageForm = /^[\w+#.-]{1,32}$/;
const isFence = (line: readonly Atom[]) => line[0] === "`" && line[1] === "`" && line[2] === "`";
function letters(line: readonly Atom[]): string {
	spend(line.length);
	return line
		.map((atom) => (typeof atom === "string" ? atom : "children" in atom ? atom.children.join("") : ""))
		.join("");
}

function blocks(all: readonly (readonly Atom[])[], depth: number): Rich {
	spend(all.length);
	const found: RichNode[] = [];
	let plainBefore = false;
	for (let i = 0; i < all.length; ) {
		const line = all[i] ?? [];
		const start = i;
		if (line[0] === ">" && depth < deepest) {
			// §5.1.3: a quote is all consecutive lines that begin with ">"; the sign and one blank are removed.
			while (i < all.length && all[i]?.[0] === ">") i++;
			const inner = all.slice(start, i).map((one) => {
				spend(one.length);
				return one.slice(isSpace(one[1]) ? 2 : 1);
			});
			found.push({ tag: "quote", children: blocks(inner, depth + 1) });
			plainBefore = false;
		} else if (isFence(line)) {
			// §5.1.2: a code block ends at a line of three backticks, or with the block around it.
			i++;
			const first = letters(line.slice(3)).trim();
			// COMPAT clients that take "```code```" on one line for a block: it ends there.
			const whole = /^(.*\S)```$/.exec(first)?.[1];
			while (whole === undefined && i < all.length && letters(all[i] ?? []).trimEnd() !== "```") i++;
			const rest = all.slice(start + 1, i).map(letters);
			// The text after the opening backticks may be the language; else it is code and must not be lost.
			const language = rest.length > 0 && languageForm.test(first) ? first : "";
			const code = [...(language ? [] : [whole ?? first].filter(Boolean)), ...rest].join("\n");
			found.push({ tag: "preformatted", children: [code], ...(language && { language }) });
			if (whole === undefined) i++;
			plainBefore = false;
		} else {
			if (plainBefore) found.push({ tag: "break" });
			for (const node of inline(line)) found.push(node);
			plainBefore = true;
			i++;
		}
	}
	return found;
}

/** Reads the spans of a line. §5.2: they are matched lazily, from left to right. */
function inline(line: readonly Atom[]): RichNode[] {
	const found: RichNode[] = [];
	let text = "";
	const flush = () => {
		if (text !== "") found.push(text);
		text = "";
	};
	/** The marks that nothing closes in the rest of the line, so that the search for each runs once. */
	const open = new Set<string>();
	spend(line.length);
	for (let i = 0; i < line.length; i++) {
		const atom = line[i] as Atom;
		const mark = markAt(line, i);
		const end = mark === undefined || open.has(mark) ? -1 : closing(line, i, mark);
		if (mark !== undefined && end === -1) {
			if (opens(line, i, mark)) open.add(mark);
		}
		if (mark !== undefined && end > 0) {
			flush();
			const inner = line.slice(i + mark.length, end);
			if (mark === "`") found.push({ tag: "code", children: [letters(inner)] });
			else if (mark === "||") found.push({ tag: "spoiler", children: inline(inner) });
			else found.push({ tag: spans.get(mark) ?? "code", children: inline(inner) });
			i = end + mark.length - 1;
		} else if (typeof atom === "string") text += atom;
		else {
			flush();
			found.push(atom);
		}
	}
	flush();
	return found;
}

function markAt(line: readonly Atom[], i: number): Mark | "||" | undefined {
	const atom = line[i];
	if (isMark(atom)) return atom;
	return atom === "|" && line[i + 1] === "|" ? "||" : undefined;
}

// §5.2: a mark opens at the start of the line or span or after a blank, and not before a blank.
const opens = (line: readonly Atom[], i: number, mark: string) => {
	const next = line[i + mark.length];
	return (i === 0 || isSpace(line[i - 1])) && next !== undefined && !isSpace(next);
};

/**
 * Returns the index of the mark that closes the one at `start`; -1 if none does, or if that one does not open a span.
 */
function closing(line: readonly Atom[], start: number, mark: Mark | "||"): number {
	if (!opens(line, start, mark)) return -1;
	let something = false;
	for (let i = start + mark.length; i < line.length; i++) {
		spend();
		const is = markAt(line, i) === mark;
		if (is && something && !isSpace(line[i - 1])) return i;
		if (!is) something = true;
	}
	return -1;
}
