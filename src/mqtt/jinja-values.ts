import { table } from "../core/table.ts";
import { jsonIn, shown, valueAt, written } from "./json-pointer.ts";

/** The values of Jinja expressions, and the filters and methods that the bridge knows. Pure; nothing throws. */

/** A number with the decimals that `round` has given it. */
export class Rounded {
	readonly number: number;
	readonly digits: number;
	constructor(number: number, digits: number) {
		this.number = number;
		this.digits = digits;
	}
}

/** Most characters of a text within an expression. */
const longest = 16_384;
/** Most characters in a list or table that a template makes, and those that one in the payload counts as. */
const [mostInside, inPayload] = [131_072, 1_024];
/** Significant digits of a fraction, which may have been computed. */
const precision = 12;

/** Returns the number of a value; undefined if it is none. A text counts where `texts` says so. */
export function numberIn(value: unknown, texts = false): number | undefined {
	if (value instanceof Rounded) return value.number;
	if (typeof value === "boolean") return Number(value);
	const number =
		typeof value === "number"
			? value
			: texts && typeof value === "string" && value.trim() !== ""
				? Number(value)
				: Number.NaN;
	return Number.isFinite(number) ? number : undefined;
}

/** Returns a value as the template writes it; "" for nothing. */
export function textOf(value: unknown): string {
	if (value === undefined || value === null) return "";
	if (value instanceof Rounded) return value.number.toFixed(value.digits);
	// A time in ms has 13 digits.
	if (Number.isSafeInteger(value)) return String(value);
	if (typeof value === "number") return String(Number(value.toPrecision(precision)));
	// true and false as JSON writes them, since payloads are held against such texts.
	return shown(value).slice(0, longest);
}

/** Returns whether a value counts as true, as in Python. */
export function isTrue(value: unknown): boolean {
	if (value instanceof Rounded) return value.number !== 0;
	if (Array.isArray(value)) return value.length > 0;
	if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
	return Boolean(value);
}

/** Returns the member of a value with this name; undefined where there is none. */
export const memberOf = (value: unknown, name: unknown): unknown =>
	typeof value === "string" && typeof name === "number"
		? value.at(name)
		: Array.isArray(value) && typeof name === "number"
			? value.at(name)
			: valueAt(value, [textOf(name)]);

/** Returns a negative number, 0 or a positive one as `one` is less than, equal to or more than `other`; undefined if that is unknown. */
export function compare(one: unknown, other: unknown): number | undefined {
	const [a, b] = [numberIn(one), numberIn(other)];
	if (a !== undefined && b !== undefined) return a - b;
	if (typeof one === "string" && typeof other === "string") return one < other ? -1 : one > other ? 1 : 0;
	return undefined;
}
export function isEqual(one: unknown, other: unknown): boolean {
	const order = compare(one, other);
	if (order !== undefined) return order === 0;
	return (one ?? null) === (other ?? null);
}
export function isIn(one: unknown, all: unknown): boolean {
	if (typeof all === "string") return all.includes(textOf(one));
	if (Array.isArray(all)) return all.some((other) => isEqual(one, other));
	return typeof all === "object" && all !== null && Object.hasOwn(all, textOf(one));
}

/** The characters in each list and table that a template has made. */
const inside = new WeakMap<object, number>();
const charactersIn = (value: unknown): number =>
	typeof value === "string"
		? value.length + 1
		: typeof value === "object" && value !== null
			? (inside.get(value) ?? inPayload)
			: 1;

/** Returns a list or table that a template makes; undefined for one that is too large, such as one that holds itself many times over. */
export function made<T extends object>(all: T): T | undefined {
	const characters = Object.values(all).reduce<number>((sum, one) => sum + charactersIn(one), 1);
	if (characters > mostInside) return undefined;
	inside.set(all, characters);
	return all;
}

type Work = (value: unknown, ...given: readonly unknown[]) => unknown;
const onText =
	(work: (text: string) => unknown): Work =>
	(value) =>
		value === undefined ? undefined : work(textOf(value));
const onNumbers =
	(work: (one: number, other: number) => number): Work =>
	(value, other) => {
		const [a, b] = [numberIn(value, true), numberIn(other, true)];
		return a === undefined || b === undefined ? undefined : work(a, b);
	};
const title = (text: string) =>
	text
		.toLowerCase()
		.replace(/(^|[^\p{L}])(\p{L})/gu, (_, before: string, first: string) => before + first.toUpperCase());

const replace: Work = (value, from, to) => {
	if (value === undefined || textOf(from) === "") return value;
	const [first = "", ...others] = textOf(value).split(textOf(from));
	const by = textOf(to);
	let text = first;
	for (const other of others) {
		if (text.length >= longest) break;
		text += by + other;
	}
	return text.slice(0, longest);
};

const round: Work = (value, digits = 0, how = "common") => {
	const [number, places] = [numberIn(value, true), numberIn(digits)];
	if (number === undefined || places === undefined) return value;
	const kept = Math.min(20, Math.max(0, Math.trunc(places)));
	const factor = 10 ** kept;
	if (how === "floor") return new Rounded(Math.floor(number * factor) / factor, kept);
	return new Rounded(how === "ceil" ? Math.ceil(number * factor) / factor : number, kept);
};
const whole: Work = (value, otherwise) => {
	const number = numberIn(value, true);
	return number === undefined ? otherwise : Math.trunc(number);
};
const float: Work = (value, otherwise) =>
	value instanceof Rounded ? value : (numberIn(value, true) ?? otherwise);
const orElse: Work = (value, otherwise, falsy) =>
	value === undefined || (falsy === true && !isTrue(value)) ? otherwise : value;
const length: Work = (value) =>
	typeof value === "string" || Array.isArray(value)
		? value.length
		: typeof value === "object" && value !== null
			? Object.keys(value).length
			: undefined;
const iif: Work = (value, yes = true, no = false) => (isTrue(value) ? yes : no);
const least =
	(pick: (...all: number[]) => number): Work =>
	(value, ...more) => {
		const all = (Array.isArray(value) ? value : [value, ...more]).map((one) => numberIn(one, true));
		return all.length === 0 || all.includes(undefined) ? undefined : pick(...(all as number[]));
	};
const truncate: Work = (value, most = 255, killsWords = false, end = "...") => {
	const [text, characters, after] = [textOf(value), numberIn(most) ?? 255, textOf(end)];
	if (text.length <= characters) return text;
	const kept = text.slice(0, Math.max(0, characters - after.length));
	return (isTrue(killsWords) ? kept : kept.replace(/ [^ ]*$/, "")) + after;
};
const same: Work = (value) => value;

/** By name. */
export const filters = table<Work>({
	abs: (value) => onNumbers(Math.abs)(value, 0),
	add: onNumbers((one, other) => one + other),
	bitwise_and: onNumbers((one, other) => one & other),
	bitwise_or: onNumbers((one, other) => one | other),
	bool: (value) => ["1", "true", "on", "yes"].includes(textOf(value).toLowerCase()),
	capitalize: onText((text) => text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase()),
	count: length,
	d: orElse,
	default: orElse,
	first: (value) => memberOf(value, 0),
	float,
	from_json: onText(jsonIn),
	iif,
	int: whole,
	is_defined: same,
	is_number: (value) => numberIn(value, true) !== undefined,
	join: (value, by = "") =>
		Array.isArray(value) ? value.slice(0, 100).map(textOf).join(textOf(by)).slice(0, longest) : value,
	last: (value) => memberOf(value, -1),
	length,
	list: same,
	lower: onText((text) => text.toLowerCase()),
	max: least(Math.max),
	min: least(Math.min),
	multiply: onNumbers((one, other) => one * other),
	replace,
	round,
	string: (value) => (value === undefined ? undefined : textOf(value)),
	title: onText(title),
	to_json: written,
	tojson: written,
	trim: onText((text) => text.trim()),
	truncate,
	upper: onText((text) => text.toUpperCase()),
});

/** Methods of values, by name. */
export const methods = table<Work>({
	endswith: (value, end) => textOf(value).endsWith(textOf(end)),
	get: (value, name, otherwise) => memberOf(value, name) ?? otherwise,
	lower: onText((text) => text.toLowerCase()),
	replace,
	split: (value, by) => textOf(value).split(by === undefined ? /\s+/ : textOf(by) || "\0", 100),
	startswith: (value, start) => textOf(value).startsWith(textOf(start)),
	strip: onText((text) => text.trim()),
	title: onText(title),
	upper: onText((text) => text.toUpperCase()),
});

/** Functions, by name. */
export const functions = table<Work>({
	bool: filters.bool as Work,
	float,
	iif,
	int: whole,
	is_number: filters.is_number as Work,
	max: least(Math.max),
	min: least(Math.min),
});

/** Tests behind `is`, by name. */
export const tests = table<(value: unknown) => boolean>({
	defined: (value) => value !== undefined,
	mapping: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
	none: (value) => value === null,
	number: (value) => typeof value !== "boolean" && numberIn(value) !== undefined,
	string: (value) => typeof value === "string",
	undefined: (value) => value === undefined,
});

const arithmetic = table<(one: number, other: number) => number>({
	"+": (one, other) => one + other,
	"-": (one, other) => one - other,
	"*": (one, other) => one * other,
	"/": (one, other) => one / other,
	"//": (one, other) => Math.floor(one / other),
	"%": (one, other) => one - other * Math.floor(one / other),
});
/** Returns the result of an operator between numbers, or of `+` between texts; undefined for any other. */
export function calculate(operator: string, one: unknown, other: unknown): unknown {
	if (operator === "+" && typeof one === "string" && typeof other === "string")
		return (one + other).slice(0, longest);
	const [a, b] = [numberIn(one), numberIn(other)];
	const result = a === undefined || b === undefined ? undefined : arithmetic[operator]?.(a, b);
	return result !== undefined && Number.isFinite(result) ? result : undefined;
}
export const joined = (one: unknown, other: unknown): string =>
	(textOf(one) + textOf(other)).slice(0, longest);
