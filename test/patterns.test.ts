import { globSync, readFileSync } from "node:fs";
import { checkSync } from "recheck";
import { beforeAll, describe, expect, test } from "vitest";
import { parseAst } from "vitest/node";

// A regular expression whose work grows faster than its input lets a stranger's message stop the bridge. recheck builds
// the automaton of a pattern, and tells exponential and polynomial work from linear, that of an unanchored search included.
// Its build for JavaScript needs neither Java nor a binary of the platform.
process.env.RECHECK_BACKEND = "pure";

type Found = Readonly<{ file: string; line: number; source: string; flags: string }>;
type Node = { type?: string; start: number; end: number; [key: string]: unknown };

/** Patterns that are super-linear or built at run time, with the reason why they are harmless. */
const allowed: Readonly<Record<string, string>> = {
	'src/xmpp/unicode32.ts: new RegExp(`[${characters.join("")}]`, "gu")':
		"the text is the table of that file, and a single class of characters is linear",
};

/** Returns the regular expressions in a source text, and the calls that build some at run time. */
function patternsOf(file: string, code: string): { literals: Found[]; made: string[] } {
	const literals: Found[] = [];
	const made: string[] = [];
	const line = (node: Node) => code.slice(0, node.start).split("\n").length;
	const visit = (value: unknown): void => {
		if (Array.isArray(value)) {
			for (const one of value) visit(one);
			return;
		}
		if (typeof value !== "object" || value === null) return;
		const node = value as Node;
		if (node.type === "Literal" && node.regex) {
			const { pattern, flags } = node.regex as { pattern: string; flags: string };
			literals.push({ file, line: line(node), source: pattern, flags });
		}
		if (node.type === "NewExpression" || node.type === "CallExpression") {
			const [source, flags] = node.arguments as { type: string; value?: unknown }[];
			if ((node.callee as { name?: string }).name === "RegExp") {
				if (typeof source?.value === "string")
					literals.push({ file, line: line(node), source: source.value, flags: String(flags?.value ?? "") });
				else made.push(code.slice(node.start, node.end));
			}
		}
		for (const key in node) if (key !== "regex") visit(node[key]);
	};
	visit(parseAst(code, { lang: "ts" }));
	return { literals, made };
}

/** Whether a pattern has an unbounded quantifier, which is outside of `[…]` and not escaped. */
const repeats = (source: string): boolean =>
	/[*+]|\{\d+,\}/.test(source.replace(/\\./gs, "x").replace(/\[[^\]]*\]/g, "x"));

/** Whether the time of a search is linear in the text. A pattern without an unbounded quantifier needs no proof. */
function isLinear({ source, flags }: Pick<Found, "source" | "flags">): boolean {
	if (!repeats(source)) return true;
	// The checker counts the time that others use the processor, too.
	const { status } = checkSync(source, flags, { timeout: 300_000 });
	if (status === "unknown") throw new Error(`the checker cannot tell: /${source}/${flags}`);
	return status === "safe";
}

describe("the checker", { timeout: 300_000 }, () => {
	test.each([
		/\s+$/,
		/\[([^\]\n]*)\]\(/,
		/^(a+)+$/,
		/(.*?),(.*?),x/,
		/([`*_~]){2,}x/,
		/\?.*$/,
		/^(?:a|ab?)*$/,
		/<a [^>]*>/,
	])("calls %s super-linear", (pattern) => expect(isLinear(pattern)).toBe(false));

	test.each([/^\s+/, /\.([a-z0-9]+)$/i, /^[^<]*<\/a>$/, /[\p{C}/\\]/gu, /^\p{RGI_Emoji}$/v])(
		"calls %s linear",
		(pattern) => expect(isLinear(pattern)).toBe(true),
	);

	test("finds literals and calls, and no division", () => {
		const code = "const a: number = 4 / 2 / 1; f(/x+$/g, [/y/]); new RegExp('z+$', 'u'); RegExp(a + b)";
		const { literals, made } = patternsOf("x.ts", code);
		expect(literals.map(({ source, flags }) => [source, flags])).toEqual([
			["x+$", "g"],
			["y", ""],
			["z+$", "u"],
		]);
		expect(made).toEqual(["RegExp(a + b)"]);
	});
});

describe("the patterns of src", () => {
	const found = globSync("src/**/*.ts").map((file) => {
		const { literals, made } = patternsOf(file, readFileSync(file, "utf8"));
		return { literals, made: made.map((call) => `${file}: ${call}`) };
	});
	const literals = found.flatMap((one) => one.literals);
	let superLinear: Found[];
	beforeAll(() => {
		const known = new Map<string, boolean>();
		superLinear = literals.filter((one) => {
			const key = `/${one.source}/${one.flags}`;
			const linear = known.get(key) ?? isLinear(one);
			known.set(key, linear);
			return !linear;
		});
	}, 600_000);

	test("are all found", () => expect(literals.length).toBeGreaterThan(100));

	test("take time that is linear in their input", () => {
		const harmful = superLinear.filter(({ file, source, flags }) => !allowed[`${file}: /${source}/${flags}`]);
		expect(harmful.map(({ file, line, source }) => `${file}:${line} /${source}/`)).toEqual([]);
	});

	test("are not built from other texts at run time", () => {
		expect(found.flatMap(({ made }) => made).filter((call) => !allowed[call])).toEqual([]);
	});

	test("have no exception that is no longer needed", () => {
		const needed = superLinear.map(({ file, source, flags }) => `${file}: /${source}/${flags}`);
		needed.push(...found.flatMap(({ made }) => made));
		expect(Object.keys(allowed).filter((one) => !needed.includes(one))).toEqual([]);
	});
});
