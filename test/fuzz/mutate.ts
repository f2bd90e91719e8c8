/**
 * Seeded mutations. An input is a string: plain text, or JSON for an input with a tree. The same generator state
 * gives the same input, so a seed repeats a run.
 */
export type Random = () => number;
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const pick = <T>(all: readonly T[], random: Random): T => all[Math.floor(random() * all.length)] as T;
const below = (end: number, random: Random) => Math.floor(random() * end);

/** Texts that have broken parsers, tables or clients before. */
export const hostile: readonly string[] = [
	...[
		"",
		" ",
		"\0",
		"\u0001",
		"\ufffe",
		"\ud800",
		"\udc00x",
		"\u202e",
		"\u2060",
		"\u200d",
		"\r\n",
		"\n\n",
		"﷽",
	],
	...["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "null", "undefined", "NaN"],
	...["-1", "0", "1", "1e9", "1000000000", "99999999999999999999", "-0", "1e400", "0x10", "1.5", "+1", "１"],
	...[
		"@alice:hs.test",
		"@_xmpp_romeo=40montague.lit:hs.test",
		"@_xmpp_juliet:hs.test",
		"Alice",
		"Alice: ",
		"@room",
	],
	...[
		"a, a, a, ",
		"> ",
		">>>>",
		"```\n",
		"`",
		"*",
		"_",
		"~",
		"||",
		"[",
		"](",
		"[a](b)",
		"![",
		"<li>",
		"<b>",
		"</b>",
		"&lt;",
		"&#0;",
		"&",
	],
	...[
		"/me ",
		"/",
		"//",
		"%",
		"%2f",
		"%E0%A4",
		"https://",
		"https://x.test/a.png",
		"geo:1,2",
		"javascript:alert(1)",
		"mxc://hs.test/1",
	],
	...[
		"verona@muc.test",
		"verona@muc.test/Alice",
		"@",
		"a@b/c",
		"romeo@montague.lit",
		"#",
		"+",
		"$SYS",
		"!bridge link xmpp a",
	],
	...["🎉", "👩‍👩‍👧", "א", "İ", "ß", "ﬁ", "e\u0301"],
	"x".repeat(300),
	"\u0301".repeat(40),
	"urn:xmpp:reply:0",
];
/** Units to repeat: for each pattern and loop over user text, one that makes it start over. */
export const units: readonly string[] = [
	...[
		"x",
		" ",
		"\n",
		"a ",
		"a, ",
		"a: ",
		"Alice, ",
		"@",
		"@a:b ",
		"@alice:hs.test ",
		"[",
		"[a",
		"](",
		"[a](",
		"(",
		"<",
		"&",
		"&lt;",
	],
	...[
		"> ",
		">",
		"> > ",
		"> a\n",
		"\n> ",
		"```\n",
		"```\na\n",
		"`",
		"*",
		"*a ",
		"*a* ",
		"_",
		"~a~ ",
		"||",
		"||a|| ",
		"*_~`",
		" *",
		"* ",
	],
	...[
		"<li>",
		"<li>a",
		"<b>",
		"<b>a</b>",
		"<p>",
		"<ul>",
		"<blockquote>",
		"<a href='",
		"<a href='https://x.test'>a</a>",
		"<pre>",
		"<!--",
		"</b>",
	],
	...[
		"/",
		"https://",
		"https://a ",
		"https://x.test/a.png ",
		"#",
		"%",
		"%41",
		"\u0301",
		"🎉",
		"\ud800",
		"א",
		"1. a\n",
		"- ",
		"\t",
		"\r",
		"\\",
		'"',
		"'",
		"=",
		"-",
		"_a",
		"+/",
	],
];

/** Returns the text with one to four faults. `others`: texts of the same kind to splice pieces from. */
export function mutateText(text: string, others: readonly string[], random: Random, longest: number): string {
	let out = text;
	for (let count = 1 + below(4, random); count > 0; count--) out = textFault(out, others, random);
	return out.slice(0, longest);
}

function textFault(text: string, others: readonly string[], random: Random): string {
	const from = below(text.length + 1, random);
	const to = Math.min(text.length, from + below(random() < 0.3 ? text.length : 12, random));
	const [before, slice, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
	switch (below(8, random)) {
		case 0:
			return before + String.fromCharCode(below(random() < 0.7 ? 128 : 65_536, random)) + after;
		case 1:
			return before + after;
		case 2:
			return before + slice.repeat(2 + below(60, random)) + after;
		case 3: {
			const other = pick(others, random);
			const at = below(other.length, random);
			return before + other.slice(at, at + below(80, random)) + after;
		}
		case 4:
		case 7:
			return before + pick(hostile, random) + after;
		case 5:
			return before + pick(units, random).repeat(1 + below(80, random)) + after;
		default:
			return text.replace(/\d+/, () => pick(hostile, random));
	}
}

type Path = readonly (string | number)[];

/** Returns the path of every node in a tree, the root first. */
function places(tree: Json, path: Path = []): readonly Path[] {
	if (typeof tree !== "object" || tree === null) return [path];
	return [path, ...Object.entries(tree).flatMap(([key, one]) => places(one, [...path, key]))];
}
const at = (tree: Json, path: Path): Json =>
	path.reduce<Json>((node, key) => (node as Record<string, Json>)[key] as Json, tree);

/** Returns the tree with another value at the path. `__proto__` is a key like any other. */
export function put(tree: Json, [key, ...rest]: Path, make: (old: Json) => Json): Json {
	if (key === undefined) return make(tree);
	if (Array.isArray(tree))
		return tree.map((one, index) => (index === Number(key) ? put(one, rest, make) : one));
	return Object.fromEntries(
		Object.entries(tree as object).map(([name, one]) => [name, name === key ? put(one, rest, make) : one]),
	);
}

/**
 * Stands for infinity, which JSON spells only as a number that is too large. A homeserver can send such a number.
 */
const infinite = "\u0001infinite";
const spelt = (tree: Json) => JSON.stringify(tree).replaceAll(JSON.stringify(infinite), "1e400");

/**
 * Returns the JSON with one to four faults. `shape`: only texts change and lists grow, so that the value keeps its
 * type; for values that strangers do not write directly.
 */
export function mutateJson(
	text: string,
	others: readonly string[],
	random: Random,
	shape: boolean,
	longest: number,
): string {
	let tree: Json = JSON.parse(text);
	for (let count = 1 + below(4, random); count > 0; count--) {
		const all = places(tree);
		const words = all.filter((path) => typeof at(tree, path) === "string");
		// Half of the faults are in texts, because most of the bridge's parsers read texts that people write.
		const inWords = !shape && words.length > 0 && random() < 0.5;
		const fault = shape ? shapely : inWords ? wordFault : treeFault;
		const next = put(tree, pick(inWords ? words : all, random), (old) => fault(old, others, random));
		// The target's limit excludes larger inputs, so a mutation that exceeds it is skipped.
		if (spelt(next).length <= longest) tree = next;
	}
	return spelt(tree);
}

const foreign = (others: readonly string[], random: Random): Json => {
	const tree: Json = JSON.parse(pick(others, random));
	return at(tree, pick(places(tree), random));
};
const repeated = (list: readonly Json[], random: Random): Json => {
	const index = below(list.length, random);
	return [
		...list.slice(0, index),
		...Array(2 + below(40, random)).fill(list[index]),
		...list.slice(index + 1),
	];
};

const wordFault = (old: Json, _others: readonly string[], random: Random): Json =>
	textFault(String(old), hostile, random).slice(0, 20_000);

function treeFault(old: Json, others: readonly string[], random: Random): Json {
	const number = () => pick([0, -1, 1, 1e9, -1e9, 2 ** 53, 0.5, 1e300, infinite], random);
	switch (below(8, random)) {
		case 0:
			return pick<Json>([null, true, number(), "", [], {}, pick(hostile, random)], random);
		case 1:
			return typeof old === "number" ? number() : foreign(others, random);
		case 2:
			return nested(old, 1 + below(60, random), random);
		case 3:
			if (Array.isArray(old) && old.length > 0) return repeated(old, random);
			break;
		case 4:
			if (Array.isArray(old)) return [...old, foreign(others, random)];
			break;
		case 5: {
			if (typeof old !== "object" || old === null || Array.isArray(old)) break;
			const key = random() < 0.5 ? pick(hostile, random) : (pick(Object.keys(old), random) ?? "");
			return Object.fromEntries([...Object.entries(old), [key, foreign(others, random)]]);
		}
		case 6: {
			if (typeof old !== "object" || old === null || Array.isArray(old)) break;
			const gone = pick(Object.keys(old), random);
			return Object.fromEntries(Object.entries(old).filter(([key]) => key !== gone));
		}
	}
	return typeof old === "string" ? mutateText(old, hostile, random, 20_000) : pick(hostile, random);
}

function shapely(old: Json, others: readonly string[], random: Random): Json {
	if (Array.isArray(old) && old.length > 0 && old.length < 500) return repeated(old, random);
	if (typeof old !== "string" || /^(xmpp|matrix|mqtt)$/.test(old)) return old;
	// Tags, kinds and styles are the program's own words and stay unchanged.
	return /^[a-z-]{1,12}$/.test(old) ? old : mutateText(old, [...hostile, ...others], random, 20_000);
}

function nested(old: Json, depth: number, random: Random): Json {
	const key = pick(["m.new_content", "m.relates_to", "children", "a"], random);
	const wrap = (inner: Json): Json => (Array.isArray(old) ? [...old.slice(0, 2), inner] : { [key]: inner });
	let tree = old;
	for (let level = 0; level < depth; level++) tree = wrap(tree);
	return tree;
}

/** Returns an input of a given size: a corpus item with a unit repeated `n` times at one place. */
export type Growing = (n: number) => string;

/** Returns a growing input with a random unit at a random place of the text. */
export function growText(text: string, random: Random): Growing {
	const start = below(text.length + 1, random);
	const own = text.slice(start, start + 1 + below(8, random));
	const unit = random() < 0.5 && own !== "" ? own : pick(units, random);
	return (n) => text.slice(0, start) + unit.repeat(n) + text.slice(start);
}

/** Returns a growing input in which a random list or text of the tree gets longer. */
export function growJson(text: string, random: Random): Growing {
	const tree: Json = JSON.parse(text);
	const fits = places(tree).filter((path) => {
		const node = at(tree, path);
		return typeof node === "string" || (Array.isArray(node) && node.length > 0);
	});
	if (fits.length === 0) return (n) => spelt(["x".repeat(n)]);
	const path = pick(fits, random);
	const node = at(tree, path);
	const grow = typeof node === "string" ? growText(node, random) : undefined;
	const index = Array.isArray(node) ? below(node.length, random) : 0;
	return (n) =>
		spelt(
			put(tree, path, (old) =>
				grow
					? grow(n)
					: [
							...(old as Json[]).slice(0, index),
							...Array(n).fill((old as Json[])[index]),
							...(old as Json[]).slice(index),
						],
			),
		);
}
