import type { Control } from "./discovery.ts";

export type Order = Readonly<{ topic: string; payload: string; retain: boolean }>;

/** Returns the payload by which a control does what a person wrote; undefined if it does no such thing. */
function payloadFor({ payloads, options, min, max, template }: Control, text: string): string | undefined {
	const word = text.toLowerCase();
	const known = Object.entries(payloads).find(([name]) => name.toLowerCase() === word)?.[1];
	if (known !== undefined) return known;
	if (Object.keys(payloads).length > 0) return undefined;
	const value = options ? options.find((one) => one.toLowerCase() === word) : text;
	if (value === undefined) return undefined;
	if (min !== undefined || max !== undefined) {
		const number = Number(value);
		if (!Number.isFinite(number) || number < (min ?? -Infinity) || number > (max ?? Infinity))
			return undefined;
	}
	return template === undefined ? value : template.replace(/\{\{\s*value\s*\}\}/g, () => value);
}

/** Returns the words that a control understands, for people. */
function wordsOf({ name, payloads, options, min, max }: Control): string {
	const words = options ?? Object.keys(payloads);
	const range = min !== undefined || max !== undefined ? `${min ?? "…"} to ${max ?? "…"}` : "a value";
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
