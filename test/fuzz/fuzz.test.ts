import { describe, expect, test } from "vitest";
import { createBench } from "./bench.ts";
import { type Fault, growAll, mutateAll } from "./run.ts";

/** Milliseconds for each test: this is script/fuzz in short, with fixed seeds. */
const limit = 120_000;
/** Returns the report of a fault, with at most 500 characters of its input. */
const shown = ({ target, input, fault }: Fault) =>
	`${target}: ${fault}: ${JSON.stringify(input.slice(0, 500))}`;

describe("fuzzing", () => {
	test("no input takes more than linear time as it grows", { timeout: limit }, async () => {
		const faults: string[] = [];
		await growAll(16 * 1_024, (fault) => void faults.push(shown(fault)));
		expect(faults).toEqual([]);
	});

	test("no mutated input makes the bridge send anything invalid", { timeout: limit }, async () => {
		const faults: string[] = [];
		await mutateAll(1, 40, (fault) => faults.push(shown(fault)) < 5);
		expect(faults).toEqual([]);
	});
});

describe("the fuzzer", () => {
	test.each([
		["hangs", "not done after"],
		["throws", "broken"],
		["throws later", "thrown past every guard"],
		["grows", "characters come of"],
	])("finds a target that %s, and goes on after it", { timeout: limit }, async (target, fault) => {
		const bench = createBench(new URL("./worker-of-faults.ts", import.meta.url));
		expect((await bench.run({ target, input: "x" })).fault).toContain(fault);
		expect(await bench.run({ target: "works", input: "x" })).toMatchObject({ cpu: expect.any(Number) });
		bench.stop();
	});
});
