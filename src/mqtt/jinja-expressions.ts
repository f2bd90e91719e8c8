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

/** Reads the expressions within the templates of Home Assistant (Jinja). Nothing in them is evaluated as code. Pure. */

/** The deepest nesting. */
export const deepest = 24;

export type Scope = Map<string, unknown>;
export type Expression = (scope: Scope) => unknown;

/** A template of another form than the bridge reads. */
export class Unreadable extends Error {}
export const fail = (): never => {
	throw new Unreadable();
};

const token =
	/\s*(?:(\d{1,15}(?:\.\d{1,15})?)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*)|(==|!=|<=|>=|\/\/|[<>+\-*/%~|.,:()[\]{}=]))/y;
type Token = Readonly<{ kind: "number" | "text" | "name" | "sign"; text: string }>;
const comparisons = ["==", "!=", "<", "<=", ">", ">="];
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
/**
 * The variables that Home Assistant gives some templates, such as those of commands, and the bridge does not: they are undefined.
 * // Home Assistant, "MQTT light", "MQTT siren", "MQTT lock"
 */
const absent = new Set(
	(
		"blue brightness code color_temp duration effect entity_id flash green hue name red sat this tone transition " +
		"volume_level white"
	).split(" "),
);
const own = <T>(of: Readonly<Record<string, T>>, name: string): T => of[name] ?? fail();

/** Returns the expression of a source; `names` are the variables that it may read. @throws Unreadable */
export function expressionOf(source: string, names: ReadonlySet<string>): Expression {
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
			if (absent.has(one.text)) return () => undefined;
			const work = own(functions, one.text);
			must("(");
			const given = list(")");
			return (scope) => work(given[0]?.(scope), ...given.slice(1).map((each) => each(scope)));
		}
		if (one.text === "(") {
			const inner = choice();
			if (takes(")")) return inner;
			must(",");
			const others = list(")");
			return (scope) => made([inner, ...others].map((each) => each(scope)));
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
				const index = tokens[at]?.kind === "number" ? tokens[at++]?.text : undefined;
				if (index !== undefined) {
					// Jinja takes `a.0` for `a[0]`; the reader of numbers has taken both of `a.0.1`.
					const path = index.split(".").map(Number);
					value = (scope) => path.reduce<unknown>(memberOf, of(scope));
					continue;
				}
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
		const links: (readonly [sign: string, other: Expression])[] = [];
		for (let sign = isSign(...comparisons); sign; sign = isSign(...comparisons)) {
			at++;
			links.push([sign, text()]);
		}
		// As in Python, a < b < c is a < b and b < c.
		if (links.length > 0)
			return (scope) => {
				let left = value(scope);
				return links.every(([sign, other]) => {
					const [one, right] = [left, other(scope)];
					left = right;
					return holds(sign, one, right);
				});
			};
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
