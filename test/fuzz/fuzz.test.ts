import { describe, expect, test } from "vitest";
import { createBench } from "./bench.ts";
import { type Fault, growAll, mutateAll } from "./run.ts";

/** The short form of script/fuzz, with seeds that stay the same. */
const limit = 120_000;
/** What is told of a fault, with an input that fits on a screen. */
const shown = ({ target, input, fault }: Fault) =>
	`${target}: ${fault}: ${JSON.stringify(input.slice(0, 500))}`;

describe("fuzzing", () => {
	test("no growing input costs more than its size", { timeout: limit }, async () => {
		const faults: string[] = [];
		await growAll(32 * 1_024, (fault) => void faults.push(shown(fault)));
		expect(faults).toEqual([]);
	});

	test("no mutated input breaks a promise of what is sent", { timeout: limit }, async () => {
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
