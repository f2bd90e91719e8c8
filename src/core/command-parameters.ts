import { PermanentError } from "./errors.ts";
import * as phrases from "./phrases.ts";
import { table } from "./table.ts";

/**
 * One parameter of a command: the parser, the help text and the form all follow this declaration. An optional parameter
 * comes last, or is a choice or options, which are left out if the next word is none of theirs.
 */
export type Parameter = Readonly<{ name: string; optional?: true }> &
	(
		| Readonly<{ kind: "word"; pattern?: RegExp }>
		/** The rest of the text, exactly as it was typed. It comes last. */
		| Readonly<{ kind: "text" }>
		/** The address of a person or room, as people of its network write it. In the last place its spaces need no quotes. */
		| Readonly<{ kind: "address" }>
		| Readonly<{ kind: "number" }>
		| Readonly<{ kind: "choice"; choices: readonly string[] }>
		/** A keyword, and after it the parameter of that keyword. It comes last. */
		| Readonly<{ kind: "either"; of: Readonly<Record<string, Parameter>> }>
		/** A keyword that has no value; among options alone. */
		| Readonly<{ kind: "flag" }>
		/** Keywords in any order, and after each the parameter of that keyword. It is optional. */
		| Readonly<{ kind: "options"; of: Readonly<Record<string, Parameter>> }>
	);

type ValueOf<P> =
	P extends Readonly<{ kind: "number" }>
		? number
		: P extends Readonly<{ kind: "flag" }>
			? true
			: P extends Readonly<{ kind: "choice"; choices: readonly (infer Choice)[] }>
				? Choice
				: P extends Readonly<{ kind: "either"; of: infer Of }>
					? { [Key in keyof Of]: Readonly<{ key: Key; value: ValueOf<Of[Key]> }> }[keyof Of]
					: P extends Readonly<{ kind: "options"; of: infer Of }>
						? { readonly [Key in keyof Of]?: ValueOf<Of[Key]> }
						: string;

/** The parsed value of each parameter, by its name. */
export type Values<All extends readonly Parameter[]> = {
	readonly [P in All[number] as P["name"]]: P extends Readonly<{ optional: true }>
		? ValueOf<P> | undefined
		: ValueOf<P>;
};

/** Returns how the parameters are typed, as help shows it: "TOPIC VALUE", "[all]", "link URL | person ADDRESS". */
export function usage(parameters: readonly Parameter[]): string {
	return parameters
		.map((parameter) =>
			parameter.optional && parameter.kind !== "options" ? `[${spelled(parameter)}]` : spelled(parameter),
		)
		.join(" ");
}

function spelled(parameter: Parameter): string {
	switch (parameter.kind) {
		case "word":
		case "text":
		case "address":
		case "number":
			return parameter.name.toUpperCase();
		case "choice":
			return parameter.choices.join("|");
		case "flag":
			return "";
		case "either":
			return Object.entries(parameter.of)
				.map(([key, its]) => `${key} ${spelled(its)}`)
				.join(" | ");
		case "options":
			return Object.entries(parameter.of)
				.map(([key, its]) => `[${`${key} ${spelled(its)}`.trimEnd()}]`)
				.join(" ");
		default:
			return parameter satisfies never;
	}
}

/**
 * Returns the text that {@link parse} reads as these values, given in the order of the parameters; a keyword and its value are
 * two. Absent ones are left out.
 */
export function wordsFor(parameters: readonly Parameter[], values: readonly (string | undefined)[]): string {
	const kinds = parameters.flatMap(({ kind }) => (kind === "either" ? ["word", "address"] : [kind]));
	return values
		.flatMap((value, at) => {
			if (value === undefined) return [];
			const literal =
				kinds[at] === "text" || kinds[at] === "options" || (/^[^\s"“„]+$/.test(value) && value !== "");
			return literal ? [value] : [`"${value.replace(/[\\"]/g, "\\$&")}"`];
		})
		.join(" ");
}

/** Quotes that may stand around words with spaces; phones put in the curly ones. */
const quotes = new Map([
	['"', '"'],
	["“", "”"],
	["„", "“"],
]);

type Taken<Value = unknown> = Readonly<{ value: Value; left: string }>;

/** Thrown within this file if the typed text does not fit the parameters. */
class Mismatch extends Error {}

/** The typed text does not fit the command's parameters. The message says how the command is typed. */
export class Misunderstood extends PermanentError {
	constructor(message: string) {
		super("invalid", message);
	}
}

/**
 * Returns the values of the parameters in `typed`, the text after a command's name. Text in quotes is one word, and a
 * backslash within quotes takes the next character literally. A command without parameters ignores the text. `command` is
 * its name as it is typed in this room.
 * @throws Misunderstood with the usage, or with the quote that is not closed.
 */
export function parse<const All extends readonly Parameter[]>(
	command: string,
	parameters: All,
	typed: string,
): Values<All> {
	const values = table<unknown>();
	let left = typed;
	try {
		for (const [at, parameter] of parameters.entries()) {
			if (left.trim() === "" && parameter.optional) continue;
			const last = at === parameters.length - 1;
			if (parameter.optional && !last && !begins(parameter, left)) continue;
			const taken = take(parameter, left, last);
			values[parameter.name] = taken.value;
			left = taken.left;
		}
		if (parameters.length > 0 && left.trim() !== "") throw new Mismatch();
	} catch (error) {
		if (!(error instanceof Mismatch)) throw error;
		throw new Misunderstood(phrases.commandUsage(command, usage(parameters)));
	}
	return values as Values<All>;
}

/** Returns the values of all parameters but numbers and free texts, for the log; undefined if there are none. */
export function targetOf(parameters: readonly Parameter[], typed: string): string | undefined {
	const values: Readonly<Record<string, unknown>> = parse("", parameters, typed);
	const named = parameters.flatMap(({ name, kind }) => {
		if (kind === "text" || kind === "number") return [];
		const value = values[name];
		if (typeof value === "string") return [value];
		const { key, value: inner } = (value ?? {}) as { key?: string; value?: unknown };
		return key === undefined ? [] : [`${key} ${String(inner)}`];
	});
	return named.length > 0 ? named.join(" ") : undefined;
}

/** Returns the value of one parameter at the start of the typed text; `last`: it is the last parameter. */
function take(parameter: Parameter, typed: string, last: boolean): Taken {
	switch (parameter.kind) {
		case "text":
			if (typed === "") throw new Mismatch();
			return { value: typed, left: "" };
		case "address":
			return last && typed.trim() !== "" && !quotes.has(typed.trim().charAt(0))
				? { value: typed.trim(), left: "" }
				: word(typed);
		case "word": {
			const { value, left } = word(typed);
			if (parameter.pattern && !parameter.pattern.test(value)) throw new Mismatch();
			return { value, left };
		}
		case "number": {
			const { value, left } = word(typed);
			if (!/^-?\d+(\.\d+)?$/.test(value)) throw new Mismatch();
			return { value: Number(value), left };
		}
		case "choice": {
			const { value, left } = word(typed);
			return { value: oneOf(parameter.choices, value), left };
		}
		case "flag":
			return { value: true, left: typed };
		case "either": {
			const { value: keyword, left } = word(typed);
			const key = oneOf(Object.keys(parameter.of), keyword);
			const its = take(parameter.of[key] as Parameter, left, last);
			return { value: { key, value: its.value }, left: its.left };
		}
		case "options": {
			const value = table<unknown>();
			let left = typed;
			while (left.trim() !== "" && (last || begins(parameter, left))) {
				const keyword = word(left);
				const key = oneOf(Object.keys(parameter.of), keyword.value);
				if (key in value) throw new Mismatch();
				const its = take(parameter.of[key] as Parameter, keyword.left, false);
				value[key] = its.value;
				left = its.left;
			}
			return { value, left };
		}
		default:
			return parameter satisfies never;
	}
}

/** Returns whether the next word, as it is typed, is one of a parameter's own; in quotes it is a word of the next parameter. */
function begins(parameter: Parameter, typed: string): boolean {
	if (parameter.kind !== "choice" && parameter.kind !== "options")
		throw new Error(`${parameter.name} is optional, so it has to come last`);
	const words = parameter.kind === "choice" ? parameter.choices : Object.keys(parameter.of);
	return words.includes(/^\s*(\S*)/.exec(typed)?.[1]?.toLowerCase() ?? "");
}

function oneOf(choices: readonly string[], typed: string): string {
	const found = choices.find((choice) => choice === typed.toLowerCase());
	if (found === undefined) throw new Mismatch();
	return found;
}

/** Returns one word, or one text in quotes, and the text after it. */
function word(typed: string): Taken<string> {
	const text = typed.trimStart();
	const close = quotes.get(text.charAt(0));
	if (close !== undefined) return quoted(text, close);
	const [, value = "", left = ""] = /^(\S*)\s?(.*)$/s.exec(text) ?? [];
	if (value === "") throw new Mismatch();
	return { value, left };
}

function quoted(text: string, close: string): Taken<string> {
	let value = "";
	for (let at = 1; at < text.length; at++) {
		const sign = text.charAt(at);
		if (sign === "\\") value += text.charAt(++at);
		else if (sign !== close) value += sign;
		else {
			const left = text.slice(at + 1);
			if (value === "" || /^\S/.test(left)) throw new Mismatch();
			return { value, left: left.slice(1) };
		}
	}
	throw new Misunderstood(phrases.openQuote(text));
}
