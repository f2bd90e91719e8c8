import {
	calculate,
	compare,
	filters,
	functions,
	isEqual,
	isIn,
	isTrue,
	joined,
	made,
	memberOf,
	methods,
	tests,
	textOf,
} from "./jinja-values.ts";
import type { Template } from "./template.ts";

/**
 * Reads the value templates of Home Assistant (Jinja) as far as they have to do with the payload alone: places, conditions,
 * operators and filters. Nothing in them is evaluated as code, there are no loops, and the work is bounded by the length of the
 * template and of its texts. Pure.
 */

/** Most characters of a template and of its result, and the deepest nesting. */
const [longestSource, longestResult, deepest] = [2_048, 4_096, 24];
/** Most characters of a payload that a template is applied to. */
const longestPayload = 65_536;

type Scope = Map<string, unknown>;
type Expression = (scope: Scope) => unknown;
type Part = (scope: Scope) => string;

/** A template of another form than this file reads. */
class Unreadable extends Error {}
const fail = (): never => {
	throw new Unreadable();
};

const token =
	/\s*(?:(\d{1,15}(?:\.\d{1,15})?)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*)|(==|!=|<=|>=|\/\/|[<>+\-*/%~|.,:()[\]{}=]))/y;
type Token = Readonly<{ kind: "number" | "text" | "name" | "sign"; text: string }>;
const escapes = new Map([
	["n", "\n"],
	["t", "\t"],
]);
const unescaped = (text: string) => text.replace(/\\(.)/gs, (_, sign: string) => escapes.get(sign) ?? sign);

function tokensOf(source: string): readonly Token[] {
	const found: Token[] = [];
	token.lastIndex = 0;
	while (source.slice(token.lastIndex).trim() !== "") {
		const [, number, single, double, name, sign] = token.exec(source) ?? fail();
		const text = single ?? double;
		if (text !== undefined) found.push({ kind: "text", text: unescaped(text) });
		else if (number !== undefined) found.push({ kind: "number", text: number });
		else if (name !== undefined) found.push({ kind: "name", text: name });
		else found.push({ kind: "sign", text: sign ?? "" });
	}
	return found;
}

const constants = new Map<string, unknown>([
	["true", true],
	["True", true],
	["false", false],
	["False", false],
	["none", null],
	["None", null],
]);
const own = <T>(of: Readonly<Record<string, T>>, name: string): T => of[name] ?? fail();

/** Returns the expression of a source; `names` are the variables that it may read. @throws Unreadable */
function expressionOf(source: string, names: ReadonlySet<string>): Expression {
	const tokens = tokensOf(source);
	let at = 0;
	let depth = 0;
	const isSign = (...signs: string[]) =>
		tokens[at]?.kind === "sign" && signs.includes(tokens[at]?.text ?? "") ? tokens[at]?.text : undefined;
	const isWord = (word: string) => tokens[at]?.kind === "name" && tokens[at]?.text === word;
	const takes = (sign: string) => (isSign(sign) ? ++at > 0 : false);
	const takesWord = (word: string) => (isWord(word) ? ++at > 0 : false);
	const must = (sign: string) => takes(sign) || fail();
	const name = (): string => {
		const one = tokens[at++];
		return one?.kind === "name" ? one.text : fail();
	};

	/** Returns the expressions between commas, up to a closing sign. */
	function list(close: string): readonly Expression[] {
		const all: Expression[] = [];
		while (!takes(close)) {
			all.push(choice());
			if (!isSign(close)) must(",");
		}
		return all;
	}

	function dictionary(): Expression {
		const all: (readonly [Expression, Expression])[] = [];
		while (!takes("}")) {
			const key = choice();
			must(":");
			all.push([key, choice()]);
			if (!isSign("}")) must(",");
		}
		return (scope) => made(Object.fromEntries(all.map(([key, value]) => [textOf(key(scope)), value(scope)])));
	}

	function primary(): Expression {
		const one = tokens[at++] ?? fail();
		if (one.kind === "number") return () => Number(one.text);
		if (one.kind === "text") return () => one.text;
		if (one.kind === "name") {
			if (constants.has(one.text)) return () => constants.get(one.text);
			if (names.has(one.text)) return (scope) => scope.get(one.text);
			const work = own(functions, one.text);
			must("(");
			const given = list(")");
			return (scope) => work(given[0]?.(scope), ...given.slice(1).map((each) => each(scope)));
		}
		if (one.text === "(") {
			const inner = choice();
			must(")");
			return inner;
		}
		if (one.text === "[") {
			const all = list("]");
			return (scope) => made(all.map((each) => each(scope)));
		}
		return one.text === "{" ? dictionary() : fail();
	}

	/** Reads members, methods and filters behind a value. */
	function postfix(): Expression {
		let value = primary();
		for (;;) {
			const of = value;
			if (takes(".")) {
				const member = name();
				if (takes("(")) {
					const [work, given] = [own(methods, member), list(")")];
					value = (scope) => work(of(scope), ...given.map((each) => each(scope)));
				} else value = (scope) => memberOf(of(scope), member);
			} else if (takes("[")) {
				const key = choice();
				must("]");
				value = (scope) => memberOf(of(scope), key(scope));
			} else if (takes("|")) {
				const work = own(filters, name());
				const given = takes("(") ? list(")") : [];
				value = (scope) => work(of(scope), ...given.map((each) => each(scope)));
			} else return value;
		}
	}

	function signed(): Expression {
		if (!takes("-")) return postfix();
		const value = postfix();
		return (scope) => calculate("-", 0, value(scope));
	}
	/** Reads operands with operators of one rank between them. */
	function chain(next: () => Expression, signs: readonly string[]): Expression {
		let value = next();
		for (let sign = isSign(...signs); sign; sign = isSign(...signs)) {
			at++;
			const [of, operator, other] = [value, sign, next()];
			value = (scope) =>
				operator === "~" ? joined(of(scope), other(scope)) : calculate(operator, of(scope), other(scope));
		}
		return value;
	}
	const product = () => chain(signed, ["*", "/", "//", "%"]);
	const sum = () => chain(product, ["+", "-"]);
	const text = () => chain(sum, ["~"]);

	function comparison(): Expression {
		const value = text();
		const sign = isSign("==", "!=", "<", "<=", ">", ">=");
		if (sign) {
			at++;
			const other = text();
			return (scope) => holds(sign, value(scope), other(scope));
		}
		if (takesWord("is")) {
			const not = takesWord("not");
			const test = own(tests, name());
			return (scope) => test(value(scope)) !== not;
		}
		const not = isWord("not") && tokens[at + 1]?.text === "in" && takesWord("not");
		if (!takesWord("in")) return value;
		const all = text();
		return (scope) => isIn(value(scope), all(scope)) !== not;
	}
	function negation(): Expression {
		if (!takesWord("not")) return comparison();
		const value = deeper(negation);
		return (scope) => !isTrue(value(scope));
	}
	function both(): Expression {
		let value = negation();
		while (takesWord("and")) {
			const [one, other] = [value, negation()];
			value = (scope) => {
				const first = one(scope);
				return isTrue(first) ? other(scope) : first;
			};
		}
		return value;
	}
	function either(): Expression {
		let value = both();
		while (takesWord("or")) {
			const [one, other] = [value, both()];
			value = (scope) => {
				const first = one(scope);
				return isTrue(first) ? first : other(scope);
			};
		}
		return value;
	}
	function deeper(work: () => Expression): Expression {
		if (++depth > deepest) fail();
		const value = work();
		depth--;
		return value;
	}
	/** Reads a value, or one of two by a condition: `a if b else c`. */
	function choice(): Expression {
		return deeper(() => {
			const value = either();
			if (!takesWord("if")) return value;
			const condition = either();
			const other = takesWord("else") ? choice() : () => undefined;
			return (scope) => (isTrue(condition(scope)) ? value(scope) : other(scope));
		});
	}

	const whole = choice();
	return at === tokens.length ? whole : fail();
}

function holds(sign: string, one: unknown, other: unknown): boolean {
	if (sign === "==" || sign === "!=") return isEqual(one, other) === (sign === "==");
	const order = compare(one, other);
	if (order === undefined) return false;
	if (sign.endsWith("=") && order === 0) return true;
	return sign.startsWith("<") ? order < 0 : order > 0;
}

/** A piece of a template: a text, or what stands between braces of one kind. */
type Piece = Readonly<{ kind: "text" | "{{" | "{%" | "{#"; source: string }>;
const ends = { "{{": "}}", "{%": "%}", "{#": "#}" } as const;

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
		const close = source.indexOf(ends[kind], start + 2);
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

/** Returns the template that a Jinja source is; undefined for one of a form that the bridge does not read. Never throws. */
export function compileJinja(source: string): Template | undefined {
	if (source.length > longestSource) return undefined;
	try {
		const { parts, end } = block([...piecesOf(source)], new Set(["value", "value_json"]), 0);
		if (end !== undefined) return undefined;
		return ({ value, json }) => {
			if (value.length > longestPayload) return "";
			const scope: Scope = new Map([
				["value", value as unknown],
				["value_json", json],
			]);
			return run(parts, scope).trim();
		};
	} catch (error) {
		if (error instanceof Unreadable) return undefined;
		throw error;
	}
}
