import type { Entity } from "./discovery.ts";
import { compileCommand } from "./jinja.ts";

/** A thing that a person can have a device do. */
export type Control = Readonly<{
	/** The name of the part, or of the device. */
	name: string;
	component: string;
	topic: string;
	/** Payloads by the words for them: "on" → "ON"; none for a control that takes a value. */
	payloads: Readonly<Record<string, string>>;
	/** The values that it takes; absent: every one, of a number every number from `min` to `max`. */
	options?: readonly string[];
	min?: number;
	max?: number;
	/** The payload of a value (Jinja), and the one of "off" where it differs; absent: the value itself. */
	template?: string;
	offTemplate?: string;
	retain: boolean;
}>;

/** The parts that take a value of a person's own. Of all others the words are known, or they take no command. */
const takesValues = new Set(["text", "number"]);

/** Returns what a person can have these parts of a device do. Pure. */
export const controlsOf = (entities: readonly Entity[]): readonly Control[] =>
	entities.flatMap((one) => {
		const {
			component,
			commandTopic: topic,
			payloads,
			options,
			min,
			max,
			commandTemplate,
			commandOffTemplate,
			retain = false,
		} = one;
		if (topic === undefined) return [];
		const isBounded = options !== undefined || min !== undefined || max !== undefined;
		if (Object.keys(payloads).length === 0 && !isBounded && !takesValues.has(component)) return [];
		return [
			{
				name: one.name ?? one.device ?? component,
				...{ component, topic, payloads, retain },
				...(options && { options }),
				...(min !== undefined && { min }),
				...(max !== undefined && { max }),
				...(commandTemplate !== undefined && { template: commandTemplate }),
				...(commandOffTemplate !== undefined && { offTemplate: commandOffTemplate }),
			},
		];
	});

export type Order = Readonly<{ topic: string; payload: string; retain: boolean }>;

const isNumber = ({ component, min, max }: Control): boolean =>
	component === "number" || min !== undefined || max !== undefined;

/** Returns the payload by which a control does what a person wrote; undefined if it does no such thing. */
function payloadFor(control: Control, text: string): string | undefined {
	const { component, payloads, options, min, max, template, offTemplate } = control;
	const word = text.toLowerCase();
	const [name, known] = Object.entries(payloads).find(([one]) => one.toLowerCase() === word) ?? [];
	if (known === undefined && Object.keys(payloads).length > 0) return undefined;
	const value = known ?? (options ? options.find((one) => one.toLowerCase() === word) : text);
	if (value === undefined) return undefined;
	const number = value.trim() === "" ? Number.NaN : Number(value);
	if (isNumber(control))
		if (!Number.isFinite(number) || number < (min ?? -Infinity) || number > (max ?? Infinity))
			return undefined;
	const by = (name === "off" ? offTemplate : undefined) ?? template;
	if (by === undefined) return value;
	// Home Assistant gives the templates of numbers a number.
	return compileCommand(by)?.(component === "number" && Number.isFinite(number) ? number : value);
}

/** Returns the words that a control understands, for people. */
function wordsOf(control: Control): string {
	const { name, payloads, options, min, max } = control;
	const words = options ?? Object.keys(payloads);
	const bounds = min === undefined && max === undefined ? "a number" : `${min ?? "…"} to ${max ?? "…"}`;
	const range = isNumber(control) ? bounds : "a value";
	return `${name} ${words.length > 0 ? words.join(" | ") : range}`;
}

/**
 * Returns the order for what a person wrote to a device: the first control that understands it, or the control whose name stands
 * before it ("brightness 50"). If none does, returns the words that the device understands. Pure.
 */
export function orderFor(
	controls: readonly Control[],
	text: string,
): Order | Readonly<{ understands: readonly string[] }> {
	const named = controls.filter(({ name }) => text.toLowerCase().startsWith(`${name.toLowerCase()} `));
	const tries = [
		...named.map((control) => [control, text.slice(control.name.length + 1).trim()] as const),
		...controls.map((control) => [control, text] as const),
	];
	for (const [control, said] of tries) {
		const payload = payloadFor(control, said);
		if (payload !== undefined) return { topic: control.topic, payload, retain: control.retain };
	}
	return { understands: controls.map(wordsOf) };
}
