import { spend } from "../../core/budget.ts";
import type { Person } from "../../core/person.ts";
import { type Mention, type ParsedMessage, type ReadContext, wordsOf } from "./feature.ts";

type Hit = Readonly<{ start: number; end: number; person: Person }>;
type FindNick = (nick: string) => Person | undefined;

/** The longest nick that is searched for, in UTF-16 units. */
const longest = 128;
/** The most lines whose start is searched for nicks. */
const lines = 100;

/**
 * Searches the text of a MUC message for at most `most` nicks each: before a colon or comma at the start of a line, after
 * an at-sign, and anywhere in their exact spelling.
 */
export function nicksIn(parsed: ParsedMessage, { muc, at }: ReadContext, most: number): readonly Mention[] {
	if (muc === undefined) return [];
	const words = wordsOf(parsed);
	const find: FindNick = (nick) => {
		spend(2);
		return at(`${muc}/${nick}`);
	};
	const hits = [...atLineStarts(words, find, most), ...afterAtSigns(words, find, most)];
	const all = [...hits, ...anywhere(words, find, hits, most)];
	if (all.length === 0) return [];
	const codePoints = codePointsBefore(words);
	return all.flatMap(({ start, end, person }) => {
		const [first, last] = [parsed.body[codePoints(start)], parsed.body[codePoints(end) - 1]];
		return first && last ? [{ start: first.raw, end: last.raw + 1, person }] : [];
	});
}

/** Returns the longest nick that begins at `index` and is followed by `ends`; the hit includes the text from `start`. */
function nickAt(words: string, index: number, find: FindNick, ends: RegExp, start = index): Hit | undefined {
	let hit: Hit | undefined;
	const last = Math.min(words.length, index + longest);
	for (let end = index + 1; end <= last; end++) {
		spend();
		// No nick contains a line feed.
		if (words[end - 1] === "\n") break;
		ends.lastIndex = end;
		if (!ends.test(words)) continue;
		// "Ann Lee: hi" mentions Ann Lee, even if another occupant is called Ann.
		const person = find(words.slice(index, end));
		if (person) hit = { start, end, person };
	}
	return hit;
}
const separator = /[:,]/y;
const wordEnd = /$|[^\p{L}\p{N}_]/uy;

/** "Ann, Bob: hi" mentions both. */
function atLineStarts(words: string, find: FindNick, most: number): readonly Hit[] {
	const hits: Hit[] = [];
	let from = 0;
	for (let line = 0; line < lines; line++) {
		let hit = nickAt(words, from, find, separator);
		while (hit && hits.push(hit) < most && words.startsWith(", ", hit.end))
			hit = nickAt(words, hit.end + 2, find, separator);
		if (hits.length >= most) break;
		const feed = words.indexOf("\n", from);
		if (feed < 0) break;
		from = feed + 1;
	}
	return hits;
}

function afterAtSigns(words: string, find: FindNick, most: number): readonly Hit[] {
	const hits: Hit[] = [];
	for (let i = words.indexOf("@"), seen = 0; i >= 0 && seen < most; i = words.indexOf("@", i + 1), seen++) {
		if (i > 0 && !/[\s(]/.test(words[i - 1] ?? "")) continue;
		const hit = nickAt(words, i + 1, find, wordEnd, i);
		if (hit) hits.push(hit);
	}
	return hits;
}

/** The shortest nick that counts anywhere in a text, in code points. */
const shortest = 3;
/** Common words and numbers: a nick that is nothing else counts at the start of a line or after an at-sign only. */
const common = /^(?:[\p{Ll}\p{M}]+|\p{N}+)$/u;
/** The most parts that a nick has: its words, and the blanks and signs between them. */
const mostParts = 8;
/** How much of a text is searched, in UTF-16 units, and the most look-ups for it, which prose of that length does not need. */
const [reach, lookups] = [8_000, 10_000];
/** Parts of a text: code and links, which hold no names, and line feeds; words; blanks; single signs. */
const part =
	/(?<other>```[\s\S]*?```|`[^`\n]+`|[A-Za-z][A-Za-z\d+.-]{0,20}:\/\/\S+|\n)|(?<word>[\p{L}\p{M}\p{N}_]+)|(?<blank>[^\S\n]+)|[\s\S]/gu;
/** A name is cut out of an address, a path or a longer word where one of these stands before or behind it. */
const joining = new Set("-/@#=&\\");

type Part = Readonly<{
	start: number;
	end: number;
	kind: "other" | "word" | "blank" | "sign";
	joins: boolean;
	text: string;
}>;
function partsOf(words: string): readonly Part[] {
	const parts: Part[] = [];
	for (const { 0: text, index, groups = {} } of words.slice(0, reach).matchAll(part)) {
		spend(4);
		const kind = groups.other ? "other" : groups.word ? "word" : groups.blank ? "blank" : "sign";
		const joins = kind === "word" || (kind === "sign" && joining.has(text));
		parts.push({ start: index, end: index + text.length, kind, joins, text });
	}
	return parts;
}

/** Returns the first nick of each person who is not in `hits` yet. */
function anywhere(words: string, find: FindNick, hits: readonly Hit[], most: number): readonly Hit[] {
	const parts = partsOf(words);
	// "Ann.test" is no Ann, but "Ann." is.
	const isCut = (end: number) =>
		parts[end]?.joins || (parts[end]?.text === "." && parts[end + 1]?.kind === "word");
	const known = new Set(hits.map(({ person }) => person));
	const found: Hit[] = [];
	let left = lookups;
	for (let i = 0; i < parts.length && found.length < most && left > 0; ) {
		const first = parts[i] as Part;
		let hit: (Hit & { next: number }) | undefined;
		const cut = first.kind === "blank" || parts[i - 1]?.joins;
		const last = Math.min(parts.length, i + mostParts);
		for (let j = i; !cut && j < last; j++) {
			const { kind, end } = parts[j] as Part;
			if (kind === "other" || end - first.start > longest) break;
			if (kind === "blank" || isCut(j + 1)) continue;
			const nick = words.slice(first.start, end);
			if (j === i && (kind === "sign" || common.test(nick))) continue;
			if (nick.length < 2 * shortest && [...nick].length < shortest) continue;
			left--;
			const person = find(nick);
			if (person) hit = { start: first.start, end, person, next: j + 1 };
		}
		if (hit && !known.has(hit.person)) found.push(hit);
		if (hit) known.add(hit.person);
		i = hit?.next ?? i + 1;
	}
	return found;
}

/**
 * Returns a function from an index of `text` to the number of code points before it; its first call counts them all.
 */
function codePointsBefore(text: string): (index: number) => number {
	let counts: Uint32Array | undefined;
	return (index) => {
		if (!counts) {
			spend(text.length);
			counts = new Uint32Array(text.length + 1);
			let count = 0;
			for (let i = 0; i < text.length; i++) {
				counts[i] = count;
				// A surrogate pair counts as one code point.
				if ((text.codePointAt(i) as number) > 0xffff) counts[++i] = count;
				count++;
			}
			counts[text.length] = count;
		}
		return counts[index] as number;
	};
}
