import { spend } from "../../../core/budget.ts";
import type { Element, Rich, RichNode } from "../../../core/rich.ts";

/** Reads XEP-0393 into formatting, in time linear in the text. styling-writer.ts writes it. */

/** A code point, or something found in the text before, which is no letter to styling. */
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
/** Quotes in quotes; what is deeper is text. */
const deepest = 20;

/** The formatting of a text. Without any it is the text, line by line. */
export function styling(atoms: readonly Atom[]): Rich {
	return blocks(lines(atoms), 0);
}

/** Whether there is anything in it that styling is made of. */
export const hasMarks = (text: string): boolean => /[*_~`>|]/.test(text);
/** Whether any of it would be shown as anything but itself. */
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
			// §5.1.3: all lines that begin so, without the sign and one blank.
			while (i < all.length && all[i]?.[0] === ">") i++;
			const inner = all.slice(start, i).map((one) => {
				spend(one.length);
				return one.slice(isSpace(one[1]) ? 2 : 1);
			});
			found.push({ tag: "quote", children: blocks(inner, depth + 1) });
			plainBefore = false;
		} else if (isFence(line)) {
			// §5.1.2: up to a line of three, or the end of what it stands in.
			i++;
			const first = letters(line.slice(3)).trim();
			// COMPAT clients that take "```code```" for a block, which is no block that goes on.
			const whole = /^(.*\S)```$/.exec(first)?.[1];
			while (whole === undefined && i < all.length && letters(all[i] ?? []).trimEnd() !== "```") i++;
			const rest = all.slice(start + 1, i).map(letters);
			// What follows the first three may be the language of the rest; else it is code, and not to be lost.
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

/** §5.2: spans are matched lazily, from left to right, within one line. */
function inline(line: readonly Atom[]): RichNode[] {
	const found: RichNode[] = [];
	let text = "";
	const flush = () => {
		if (text !== "") found.push(text);
		text = "";
	};
	/** Marks that nothing closes from here on, so that none is looked for twice. */
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

// §5.2: at the beginning, after a blank, or after the mark around it; and not before a blank.
const opens = (line: readonly Atom[], i: number, mark: string) => {
	const next = line[i + mark.length];
	return (i === 0 || isSpace(line[i - 1])) && next !== undefined && !isSpace(next);
};

/** Where the mark that begins at `start` is closed; -1 where nowhere, or where it opens nothing. */
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
