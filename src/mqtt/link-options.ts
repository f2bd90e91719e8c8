import { type Parameter, parse, usage } from "../core/command-parameters.ts";
import { PermanentError } from "../core/errors.ts";
import { pointerKeys } from "./json-pointer.ts";
import { isPattern } from "./pattern.ts";
import * as phrases from "./phrases.ts";
import { compileShape, type Shape } from "./shape.ts";
import { TemplateError } from "./template.ts";

/** The options that a person types after a topic filter: those of a mirror in the config, each with its value. */
const options = {
	show: { name: "show", kind: "choice", choices: ["message", "state", "both"] },
	retained: { name: "retained", kind: "choice", choices: ["show", "skip"] },
	value: { name: "pointer", kind: "word" },
	unit: { name: "unit", kind: "word" },
	round: { name: "decimals", kind: "number" },
	template: { name: "template", kind: "word" },
	name: { name: "name", kind: "word" },
	matches: { name: "pattern", kind: "word" },
	changed: { name: "changed", kind: "choice", choices: ["yes"] },
	deadband: { name: "step", kind: "word" },
	min: { name: "bound", kind: "number" },
	max: { name: "bound", kind: "number" },
	above: { name: "bound", kind: "number" },
	below: { name: "bound", kind: "number" },
	hysteresis: { name: "width", kind: "number" },
	for: { name: "seconds", kind: "number" },
	every: { name: "seconds", kind: "number" },
	debounce: { name: "seconds", kind: "number" },
	interval: { name: "seconds", kind: "number" },
} as const satisfies Readonly<Record<string, Parameter>>;
const parameters = [
	{ name: "filter", kind: "word" },
	{ name: "options", kind: "options", of: options, optional: true },
] as const;
/** The form of a link to a topic filter, for help. */
export const linkUsage = usage(parameters);

type Bad = readonly [option: string, problem: string];
/** Returns the first mistake in the options; the config's schema says the same of mirrors. */
function mistake({ value, round, interval, only = {}, ...shape }: Shape): Bad | undefined {
	const { matches, deadband, min, max, every, debounce, for: lasting } = only;
	const step = typeof deadband === "string" ? Number(deadband.replace(/%$/, "")) : deadband;
	if (value !== undefined && !pointerKeys(value)) return ["value", phrases.pointerExpected];
	if (round !== undefined && !(Number.isInteger(round) && round >= 0 && round <= 20))
		return ["round", phrases.decimalsExpected];
	if (matches !== undefined && !isPattern(matches)) return ["matches", phrases.patternExpected];
	if (step !== undefined && !(step > 0)) return ["deadband", phrases.stepExpected];
	if (min !== undefined && max !== undefined && min > max) return ["max", phrases.rangeExpected];
	for (const [key, seconds] of Object.entries({ for: lasting, every, debounce, interval }))
		if (seconds !== undefined && !(seconds > 0 && seconds <= 86_400)) return [key, phrases.secondsExpected];
	for (const key of ["template", "name"] as const)
		try {
			const text = shape[key];
			if (text !== undefined) compileShape({ [key]: text });
		} catch (error) {
			if (!(error instanceof TemplateError)) throw error;
			return [key, phrases.templateMistake(error.message, error.at)];
		}
	return undefined;
}

/**
 * Returns the topic filter and the shape that a person typed. A filter with spaces and no options needs no quotes.
 * @throws PermanentError that names the mistaken option
 */
export function readLink(typed: string): Readonly<{ filter: string; shape: Shape }> {
	const between = typed.trim().split(/\s+/).slice(1, -1);
	const hasOptions = between.some((word) => Object.hasOwn(options, word.toLowerCase()));
	if (!hasOptions && !/^\s*["“„]/.test(typed)) return { filter: typed.trim(), shape: {} };
	const { filter, options: given = {} } = parse("link mqtt", parameters, typed);
	const { show, retained, interval, value, unit, round, template, name, changed, deadband, ...rest } = given;
	const plain = deadband !== undefined && !deadband.endsWith("%");
	const only = {
		...rest,
		...(changed && { changed: true }),
		...(deadband !== undefined && { deadband: plain ? Number(deadband) : deadband }),
	};
	const shape: Shape = {
		...(show && { show }),
		...(retained && { retained }),
		...(interval !== undefined && { interval }),
		...(value !== undefined && { value }),
		...(unit !== undefined && { unit }),
		...(round !== undefined && { round }),
		...(template !== undefined && { template }),
		...(name !== undefined && { name }),
		...(Object.keys(only).length > 0 && { only }),
	};
	const bad = mistake(shape);
	if (bad) throw new PermanentError("invalid", phrases.badOption(...bad));
	return { filter, shape };
}

/** Returns the options of a shape as a person types them: `show state unit "°C"`. */
export function optionsText({ only = {}, ...shape }: Shape): string {
	const spelled = (value: unknown) =>
		value === true
			? "yes"
			: /^[^\s"“„]+$/.test(String(value))
				? String(value)
				: JSON.stringify(String(value));
	return Object.entries({ ...shape, ...only })
		.map(([key, value]) => `${key} ${spelled(value)}`)
		.join(" ");
}
