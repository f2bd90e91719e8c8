import { pointerKeys, shown, valueAt } from "./json-pointer.ts";

/**
 * A template turns a value into a line: text with places in double braces, such as `{{value}} °C in {{topic.1}}`. A place
 * names what it shows, and may have filters: `{{json.battery | default "?" | upper}}`. Nothing in it is evaluated as code.
 * Pure.
 */

/** The values that the places of a template can show. */
export type TemplateValues = Readonly<{
	/** The value, as the mirror takes it from the payload. */
	value: string;
	/** The whole payload as JSON; undefined if it is none. */
	json: unknown;
	topic: string;
	name: string;
	/** The user properties of the publication (MQTT 5). */
	properties?: Readonly<Record<string, string>>;
}>;
/** A compiled template: returns the line, at most {@link longest} characters. */
export type Template = (values: TemplateValues) => string;

/** A mistake in a template; `at` is its position, in characters from 1. */
export class TemplateError extends Error {
	override readonly name = "TemplateError";
	readonly at: number;
	constructor(at: number, message: string) {
		super(message);
		this.at = at;
	}
}

/** Most characters of a line. */
const longest = 4_096;

type Step = (text: string | undefined) => string | undefined;
const decimals = (text: string | undefined, digits: number) => {
	const number = Number(text);
	return text?.trim() && Number.isFinite(number) ? number.toFixed(digits) : text;
};
const whole: Step = (text) => {
	const number = Number(text);
	return text?.trim() && Number.isFinite(number) ? String(Math.trunc(number)) : text;
};
/** The filters, each by its argument. */
const filters: Readonly<Record<string, (argument: string) => Step | undefined>> = {
	round: (argument) =>
		/^\d{0,2}$/.test(argument) && Number(argument) <= 20
			? (text) => decimals(text, Number(argument))
			: undefined,
	int: (argument) => (argument === "" ? whole : undefined),
	default: (argument) => (text) => (text === undefined || text === "" ? argument : text),
	upper: (argument) => (argument === "" ? (text) => text?.toUpperCase() : undefined),
	lower: (argument) => (argument === "" ? (text) => text?.toLowerCase() : undefined),
};

/** Returns the reader of a place's subject; undefined for an unknown one. */
function subject(name: string): ((values: TemplateValues) => string | undefined) | undefined {
	if (name === "value") return ({ value }) => value;
	if (name === "topic") return ({ topic }) => topic;
	if (name === "name") return ({ name: called }) => called;
	const level = /^topic\.(\d{1,3})$/.exec(name)?.[1];
	if (level !== undefined) return ({ topic }) => topic.split("/")[Number(level) - 1];
	if (name === "json") return ({ json }) => (json === undefined ? undefined : shown(json));
	const property = /^property\.(\S{1,100})$/.exec(name)?.[1];
	if (property !== undefined)
		return ({ properties = {} }) => (Object.hasOwn(properties, property) ? properties[property] : undefined);
	const keys = name.startsWith("json.") ? pointerKeys(name.slice("json.".length)) : undefined;
	return (
		keys &&
		(({ json }) => {
			const found = valueAt(json, keys);
			return found === undefined || found === null ? undefined : shown(found);
		})
	);
}

/** Compiles what stands between two pairs of braces, from position `at`. @throws TemplateError */
function place(source: string, at: number, subjects: Subjects): (values: TemplateValues) => string {
	// A quoted text may hold a bar.
	const [first = "", ...rest] = source.match(/(?:"[^"]*"|[^|"])+/g) ?? [];
	const named = first.trim();
	const read = subjects === all || /^topic(\.|$)/.test(named) ? subject(named) : undefined;
	if (!read) throw new TemplateError(at, `“${named}” is none of ${subjects}`);
	let where = at + first.length + 1;
	const steps = rest.map((one): Step => {
		const filter = one.trim();
		const [name = ""] = /^[a-z]*/.exec(filter) ?? [];
		const given = filter.slice(name.length).trim();
		const argument = /^"[^"]*"$/.test(given) ? given.slice(1, -1) : given;
		const step = Object.hasOwn(filters, name) ? filters[name]?.(argument) : undefined;
		if (!step)
			throw new TemplateError(
				where + one.search(/\S|$/),
				`“${filter}” is no filter: use round 1, int, default "text", upper or lower`,
			);
		where += one.length + 1;
		return step;
	});
	return (values) => steps.reduce<string | undefined>((text, step) => step(text), read(values)) ?? "";
}

/** The subjects of places, as an error message lists them. */
const [all, ofTopics] = [
	"value, name, topic, topic.1 …, json, json.key, property.name",
	"topic, topic.1, topic.2 …",
] as const;
type Subjects = typeof all | typeof ofTopics;

/** Returns the parts of a template: texts, and places. @throws TemplateError */
function partsOf(
	source: string,
	subjects: Subjects,
): readonly (string | ((values: TemplateValues) => string))[] {
	const parts: (string | ((values: TemplateValues) => string))[] = [];
	let at = 0;
	while (at < source.length) {
		const open = source.indexOf("{{", at);
		const text = source.slice(at, open < 0 ? undefined : open);
		if (text !== "") parts.push(text);
		if (open < 0) break;
		const close = source.indexOf("}}", open);
		if (close < 0) throw new TemplateError(open + 1, "these braces are not closed: }} is missing");
		parts.push(place(source.slice(open + 2, close), open + 3, subjects));
		at = close + 2;
	}
	return parts;
}

/** A template over the levels of a topic alone. `filled`: the template with this text in the places. */
export type TopicTemplate = ((topic: string) => string) & Readonly<{ filled(text: string): string }>;

/** Compiles a template over the levels of a topic. @throws TemplateError with the position of the mistake */
export function compileTopicTemplate(source: string): TopicTemplate {
	const parts = partsOf(source, ofTopics);
	const whole = (topic: string) =>
		parts
			.map((part) =>
				typeof part === "string" ? part : part({ value: "", json: undefined, topic, name: "" }),
			)
			.join("");
	return Object.assign(whole, {
		filled: (text: string) => parts.map((part) => (typeof part === "string" ? part : text)).join(""),
	});
}

/** Compiles a template. @throws TemplateError with the position of the mistake */
export function compileTemplate(source: string): Template {
	const parts = partsOf(source, all);
	return (values) => {
		let line = "";
		for (const part of parts) {
			line += (typeof part === "string" ? part : part(values)).slice(0, longest);
			if (line.length >= longest) return line.slice(0, longest).toWellFormed();
		}
		return line;
	};
}
