import fc from "fast-check";
import { expect, test } from "vitest";
import { createBoundedMap } from "../../src/core/bounded-map.ts";
import { processorTime } from "../processor-time.ts";

test("keeps the newest entries after any sequence of sets and deletes", () => {
	const step = fc.tuple(fc.constantFrom("set", "delete"), fc.nat(12));
	fc.assert(
		fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
			const kept = createBoundedMap<number, string>(5);
			let newest: number[] = [];
			for (const [what, key] of steps) {
				newest = newest.filter((one) => one !== key);
				if (what === "set") {
					kept.set(key, `value ${key}`);
					newest = [...newest, key].slice(-5);
				} else kept.delete(key);
			}
			for (let key = 0; key <= 12; key++)
				expect(kept.get(key)).toBe(newest.includes(key) ? `value ${key}` : undefined);
		}),
	);
});

test("a set costs the same in a map of any size", () => {
	const once = (size: number) => {
		const kept = createBoundedMap<string, true>(size);
		for (let index = 0; index < size; index++) kept.set(`first ${index}`, true);
		const began = processorTime();
		for (let index = 0; index < 20_000; index++) kept.set(`then ${index}`, true);
		return processorTime() - began;
	};
	// The minimum of several runs, since other processes load the machine, too.
	const cost = (size: number) => Math.min(...Array.from({ length: 3 }, () => once(size)));
	cost(100);
	expect(cost(40_000)).toBeLessThan(10 * cost(100));
});
