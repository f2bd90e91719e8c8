/** The result of one input. */
export type Outcome = Readonly<{
	/** The number of characters that the bridge sent; the runner compares it with the input's. */
	size: number;
}>;

/**
 * A part of the bridge that reads input from strangers. To add one (a template engine, say), add a row to a file of
 * targets with its corpus. `run` throws on each invalid result, and returns the size of its output.
 */
export type Target = Readonly<{
	/**
	 * How inputs are mutated: `text` and `bytes` as characters, `tree` as JSON, `shape` as JSON that keeps its types.
	 */
	kind: "text" | "bytes" | "tree" | "shape";
	corpus: readonly string[];
	run(input: string): Outcome | Promise<Outcome>;
	/** Returns inputs of about `size` characters that are hard for this target in particular, by name. */
	grows?: Readonly<Record<string, (size: number) => string>>;
	/** The largest number of output characters per input character; default: {@link factor}. */
	factor?: number;
	/**
	 * The relative number of inputs, default 1. Sockets take longer than calls, and messages have more ways to fail.
	 */
	weight?: number;
}>;

/** Output characters per input character: a list of short names becomes a list of links to MXIDs. */
export const factor = 60;
/** The number of output characters that even an empty input may cause. */
export const base = 20_000;

export const size = (...outputs: readonly unknown[]): Outcome => ({
	size: outputs.reduce<number>(
		(sum, one) => sum + (typeof one === "string" ? one : (JSON.stringify(one) ?? "")).length,
		0,
	),
});
/** Returns `unit(0)`, `unit(1)` and so on, joined to about `length` characters. */
export function filled(length: number, unit: (index: number) => string): string {
	const parts: string[] = [];
	for (let have = 0, i = 0; have < length; i++) {
		const part = unit(i);
		parts.push(part);
		have += Math.max(1, part.length);
	}
	return parts.join("");
}
