/** What becomes of one input. */
export type Outcome = Readonly<{
	/** Characters that left the bridge; the runner compares them with the input's. */
	size: number;
}>;

/**
 * One thing that takes what strangers send. To add one (a template engine, say): a row here with its corpus. `run` throws
 * on whatever must not be, and returns how much came out.
 */
export type Target = Readonly<{
	/** `text` and `bytes` are mutated as characters, `tree` as JSON, `shape` as JSON whose types hold. */
	kind: "text" | "bytes" | "tree" | "shape";
	corpus: readonly string[];
	run(input: string): Outcome | Promise<Outcome>;
	/** Inputs of about `size` characters that are hard for this target in particular, by name. */
	grows?: Readonly<Record<string, (size: number) => string>>;
	/** Characters that may come out for each that goes in; the default is {@link factor}. */
	factor?: number;
	/** Share of the inputs it gets, 1 where absent. Sockets take longer than calls, and much can go wrong in a message. */
	weight?: number;
}>;

/** Characters of output for each of input: a list of short names becomes a list of links to MXIDs. */
export const factor = 60;
/** Characters of output that even an empty input may cause. */
export const base = 20_000;

export const size = (...outputs: readonly unknown[]): Outcome => ({
	size: outputs.reduce<number>(
		(sum, one) => sum + (typeof one === "string" ? one : (JSON.stringify(one) ?? "")).length,
		0,
	),
});
/** `unit(i)` for i from 0 until there are about `length` characters. */
export function filled(length: number, unit: (index: number) => string): string {
	const parts: string[] = [];
	for (let have = 0, i = 0; have < length; i++) {
		const part = unit(i);
		parts.push(part);
		have += Math.max(1, part.length);
	}
	return parts.join("");
}
