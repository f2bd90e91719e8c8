import type { Conditions } from "./changes.ts";
import { jsonIn, pointerKeys, shown, valueAt } from "./json-pointer.ts";
import { compileTemplate, compileTopicTemplate, type Template } from "./template.ts";

/** The form in which a mirror shows the values of its topics, as the config writes it. */
export type Shape = Readonly<{
	/** The place of the value in a JSON payload: a JSON pointer such as `/temperature`. */
	value?: string;
	unit?: string;
	/** Decimals of a number. */
	round?: number;
	/** The line instead of the value; see template.ts. */
	template?: string;
	/** The name of the thing; a template, too. */
	name?: string;
	/** The device of a topic: things with an equal one share a ghost. A template over the levels of the topic. */
	device?: string;
	/** The topic that tells whether the thing is there. A template over the levels of the topic. */
	availability?: string;
	/** The value is an image, which may be written in base64. Images in bytes are known without this. */
	image?: true;
	/** When a value is shown. */
	only?: Conditions;
	/** message: each value is a message. state: one message shows the latest one. both: each, and a message of the latest. */
	show?: "message" | "state" | "both";
	/** skip: a value that a broker retains from before the subscription is no message of its own. */
	retained?: "show" | "skip";
	/** Seconds between two edits of the message that shows the latest value. */
	interval?: number;
}>;

/** The text that is shown of a value, the text that the conditions compare, and the name and device of the thing, if the shape has them. */
export type Shaped = Readonly<{ line: string; compared: string; name?: string; device?: string }>;

/** Returns the shape of a payload's text. `usual` is the name of the thing without a shape. */
export type CompiledShape = ((
	payload: string,
	topic: string,
	usual: string,
	properties?: Readonly<Record<string, string>>,
) => Shaped) &
	Readonly<{
		/** The shape itself says what of a payload is shown. */
		takesValue: boolean;
		/** The value is an image, in base64. */
		isImage: boolean;
	}>;

/** The options of a mirror that make up its shape. */
const options = [
	"value",
	"unit",
	"round",
	"template",
	"name",
	"device",
	"availability",
	"image",
	"only",
	"show",
	"retained",
	"interval",
] as const satisfies readonly (keyof Shape)[];

/** The options whose defaults have names. */
const usual: Shape = { show: "message", retained: "show" };

/** Returns the shape as JSON, equal shapes as equal texts; "" for a mirror without one. */
export function shapeText(of: Shape): string {
	const given = options.filter((key) => of[key] !== undefined && usual[key] !== of[key]);
	if (given.length === 0) return "";
	const sorted = (value: unknown) =>
		typeof value === "object" && value !== null
			? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
			: value;
	return JSON.stringify(Object.fromEntries(given.map((key) => [key, sorted(of[key])])));
}

/** Returns the function that shapes the text of a payload. @throws TemplateError */
export function compileShape({ value, unit, round, template, name, device, image }: Shape): CompiledShape {
	const keys = value === undefined ? undefined : (pointerKeys(value) ?? []);
	const line: Template | undefined = template === undefined ? undefined : compileTemplate(template);
	const called: Template | undefined = name === undefined ? undefined : compileTemplate(name);
	const deviceOf = device === undefined ? undefined : compileTopicTemplate(device);
	const shape: (...given: Parameters<CompiledShape>) => Shaped = (payload, topic, usual, properties = {}) => {
		const json = keys || line || called ? jsonIn(payload) : undefined;
		// A payload without the value is shown whole: a device may send another kind of message on its topic.
		const found = keys && valueAt(json, keys);
		const taken = found === undefined ? payload : shown(found);
		const rounded = round === undefined ? taken : fixed(taken, round);
		const values = { value: rounded, json, topic, name: usual, properties };
		const text = line ? line(values) : unit === undefined ? rounded : `${rounded} ${unit}`;
		const named = called?.(values);
		const key = deviceOf?.(topic);
		return { line: text, compared: rounded, ...(named && { name: named }), ...(key && { device: key }) };
	};
	return Object.assign(shape, {
		takesValue: value !== undefined || template !== undefined,
		isImage: image === true,
	});
}

function fixed(text: string, digits: number): string {
	const number = Number(text);
	return text.trim() !== "" && Number.isFinite(number) ? number.toFixed(digits) : text;
}
