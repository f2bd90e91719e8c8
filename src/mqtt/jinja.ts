import { deepest, type Expression, expressionOf, fail, type Scope, Unreadable } from "./jinja-expressions.ts";
import { isTrue, textOf } from "./jinja-values.ts";
import type { Template } from "./template.ts";

/**
 * Reads the value templates of Home Assistant (Jinja) as far as they have to do with the payload alone: places, conditions,
 * operators and filters. Nothing in them is evaluated as code, there are no loops, and the work is bounded by the length of the
 * template and of its texts. Pure.
 */

/** Most characters of a template and of its result. */
const [longestSource, longestResult] = [2_048, 4_096];
/** Most characters of a payload that a template is applied to. */
const longestPayload = 65_536;

type Part = (scope: Scope) => string;

/** A piece of a template: a text, or what stands between braces of one kind. */
type Piece = Readonly<{ kind: "text" | "{{" | "{%" | "{#"; source: string }>;
const ends = { "{{": "}}", "{%": "%}", "{#": "#}" } as const;

/** A text in quotes, up to the end of the template where it is not closed, or a bracket. */
const nesting = /'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[{}()[\]]|%/gs;
/** Returns the place where what stands between braces ends: not within a text or other brackets; -1 if it does not end. */
function endOf(source: string, from: number, end: string): number {
	let open = 0;
	nesting.lastIndex = from;
	for (let found = nesting.exec(source); found; found = nesting.exec(source)) {
		const [sign] = found;
		if (open === 0 && source.startsWith(end, found.index)) return found.index;
		if ("{([".includes(sign)) open++;
		else if ("})]".includes(sign)) open--;
	}
	return -1;
}

function piecesOf(source: string): readonly Piece[] {
	const all: Piece[] = [];
	let trims = false;
	for (let at = 0; at < source.length; ) {
		const open = /\{[{%#]/.exec(source.slice(at));
		const start = open ? at + open.index : source.length;
		let text = source.slice(at, start);
		if (trims) text = text.trimStart();
		const kind = open?.[0] as keyof typeof ends | undefined;
		if (kind && source[start + 2] === "-") text = text.trimEnd();
		if (text !== "") all.push({ kind: "text", source: text });
		if (!kind) break;
		const close = kind === "{#" ? source.indexOf("#}", start + 2) : endOf(source, start + 2, ends[kind]);
		if (close < 0) fail();
		const inner = source.slice(start + 2, close);
		trims = inner.endsWith("-");
		all.push({ kind, source: inner.replace(/^-|-$/g, "").trim() });
		at = close + 2;
	}
	return all;
}

/** Returns the parts of a template up to a tag that ends a block, and that tag. @throws Unreadable */
function block(
	pieces: Piece[],
	names: Set<string>,
	depth: number,
): Readonly<{ parts: readonly Part[]; end?: string }> {
	if (depth > deepest) fail();
	const parts: Part[] = [];
	for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
		const { kind, source } = piece;
		if (kind === "text") parts.push(() => source);
		else if (kind === "{{") {
			const value = expressionOf(source, names);
			parts.push((scope) => textOf(value(scope)));
		} else if (kind === "{%") {
			const [, word = "", rest = ""] = /^([a-z]+)\s*(.*)$/s.exec(source) ?? [];
			if (word === "if") parts.push(condition(rest, pieces, names, depth));
			else if (word === "set") {
				const [, name = fail(), of = ""] = /^([A-Za-z_]\w{0,63})\s*=(?!=)(.*)$/s.exec(rest) ?? [];
				const value = expressionOf(of, names);
				names.add(name);
				parts.push((scope) => {
					scope.set(name, value(scope));
					return "";
				});
			} else return { parts, end: source };
		}
	}
	return { parts };
}

/** Returns the part of a condition: `{% if a %}…{% elif b %}…{% else %}…{% endif %}`. */
function condition(first: string, pieces: Piece[], names: Set<string>, depth: number): Part {
	const cases: (readonly [Expression, readonly Part[]])[] = [];
	for (let test = expressionOf(first, names); ; ) {
		const { parts, end = fail() } = block(pieces, names, depth + 1);
		cases.push([test, parts]);
		const [, next] = /^elif\s(.*)$/s.exec(end) ?? [];
		if (next !== undefined) test = expressionOf(next, names);
		else if (end === "else") test = () => true;
		else if (end === "endif") break;
		else fail();
	}
	return (scope) => {
		const [, parts = []] = cases.find(([test]) => isTrue(test(scope))) ?? [];
		return run(parts, scope);
	};
}

function run(parts: readonly Part[], scope: Scope): string {
	let out = "";
	for (const part of parts) {
		out += part(scope);
		if (out.length >= longestResult) return out.slice(0, longestResult).toWellFormed();
	}
	return out;
}

/** Returns the parts of a template. @throws Unreadable */
function partsOf(source: string, names: readonly string[]): readonly Part[] {
	if (source.length > longestSource) fail();
	const { parts, end } = block([...piecesOf(source)], new Set(names), 0);
	return end === undefined ? parts : fail();
}

/** Returns what `work` does with the parts of a template; undefined for one of a form that the bridge does not read. Never throws. */
function compiled<T>(source: string, names: readonly string[], work: (parts: readonly Part[]) => T) {
	try {
		return work(partsOf(source, names));
	} catch (error) {
		if (error instanceof Unreadable) return undefined;
		throw error;
	}
}

/** Returns the template that a Jinja source is; undefined for one of a form that the bridge does not read. Never throws. */
export const compileJinja = (source: string): Template | undefined =>
	compiled(source, ["value", "value_json"], (parts) => ({ value, json }) => {
		if (value.length > longestPayload) return "";
		const scope: Scope = new Map([
			["value", value as unknown],
			["value_json", json],
		]);
		return run(parts, scope).trim();
	});

/**
 * Returns the payloads that the template of a command makes of values; undefined for one of a form that the bridge does not read.
 * Never throws.
 */
export const compileCommand = (source: string): ((value: string | number) => string) | undefined =>
	compiled(
		source,
		["value", "position"],
		(parts) => (value) =>
			run(
				parts,
				new Map([
					["value", value],
					// Home Assistant, "MQTT cover"
					["position", value],
				]),
			),
	);
