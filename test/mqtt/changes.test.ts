import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Conditions, decide, type Memory } from "../../src/mqtt/changes.ts";

/** Returns the values that are shown of a series, one value a second. */
function shown(only: Conditions, series: readonly (string | number)[]): string[] {
	let memory: Memory = {};
	return series.map(String).filter((text, second) => {
		const decided = decide(only, memory, text, second * 1_000);
		memory = decided.memory;
		return decided.hidden === undefined;
	});
}

describe("a mirror shows of a series of values", () => {
	const cases: readonly [string, Conditions, readonly (string | number)[], readonly (string | number)[]][] = [
		["each one without conditions", {}, [1, 1, 2], [1, 1, 2]],
		["the changes", { changed: true }, ["on", "on", "off", "off", "on"], ["on", "off", "on"]],
		[
			"those outside the dead-band of the last one shown",
			{ deadband: 0.5 },
			[20, 20.4, 20.5, 20.9, 21],
			[20, 20.5, 21],
		],
		["those that differ by a percentage", { deadband: "10%" }, [100, 109, 110, 120, 121], [100, 110, 121]],
		["none twice within the dead-band of zero", { deadband: "10%" }, [0, 0, 1], [0, 1]],
		["texts, which have no dead-band", { deadband: 5 }, ["on", "off", 1, 2], ["on", "off", 1]],
		["every number of at least a bound", { min: 30 }, [29, 30, 31, "hot", 32, 29], [30, 31, 32]],
		["every number of at most a bound", { max: 5 }, [6, 5, -4, 6], [5, -4]],
		["every number within a range", { min: 2, max: 4 }, [1, 2, 3, 4, 5], [2, 3, 4]],
		[
			"of those within a range the ones that leave the dead-band of the last one shown",
			{ min: 10, deadband: 2 },
			[10, 11, 5, 11, 12],
			[10, 12],
		],
		["each crossing of an upper bound", { above: 30 }, [29, 31, 32, 30, 31], [31, 31]],
		["each crossing of a lower bound", { below: 5 }, [6, 4, 3, 5, 4], [4, 4]],
		[
			"no flicker around a bound with hysteresis",
			{ above: 30, hysteresis: 2 },
			[31, 29, 31, 28, 31],
			[31, 31],
		],
		["crossings of both bounds", { above: 30, below: 5 }, [31, 4, 20, 31], [31, 4, 31]],
		["one in so many seconds", { every: 3 }, [1, 2, 3, 4, 5, 6, 7], [1, 4, 7]],
		["those for which all conditions hold", { changed: true, every: 2 }, [1, 2, 2, 2, 3], [1, 2, 3]],
	];
	test.each(cases)("%s", (_, only, series, expected) =>
		expect(shown(only, series)).toEqual(expected.map(String)),
	);
});

test("a clock that is set back silences no topic", () => {
	const { memory } = decide({ every: 60 }, {}, "1", 1_000_000);
	expect(decide({ every: 60 }, memory, "2", 0).hidden).toBe(undefined);
});

test("two values shown one after the other differ by the dead-band, and each one left out is within it", () => {
	const series = fc.array(
		fc.integer({ min: -50, max: 50 }).map((tenths) => tenths / 10),
		{ maxLength: 40 },
	);
	fc.assert(
		fc.property(series, fc.integer({ min: 1, max: 30 }), (values, tenths) => {
			const deadband = tenths / 10;
			let memory: Memory = {};
			let last: number | undefined;
			for (const [at, value] of values.entries()) {
				const decided = decide({ deadband }, memory, String(value), at);
				memory = decided.memory;
				if (last !== undefined)
					expect(decided.hidden === undefined).toBe(Math.abs(value - last) >= deadband && value !== last);
				if (decided.hidden === undefined) last = value;
			}
		}),
	);
});

test("between two crossings of an upper bound the value was below it by the hysteresis", () => {
	const series = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
	fc.assert(
		fc.property(series, fc.integer({ min: 0, max: 5 }), (values, hysteresis) => {
			let memory: Memory = {};
			let lowest: number | undefined;
			for (const [at, value] of values.entries()) {
				const decided = decide({ above: 10, hysteresis }, memory, String(value), at);
				memory = decided.memory;
				if (decided.hidden === undefined) {
					expect(value).toBeGreaterThan(10);
					if (lowest !== undefined) expect(lowest).toBeLessThanOrEqual(10 - hysteresis);
					lowest = value;
				} else if (lowest !== undefined) lowest = Math.min(lowest, value);
			}
		}),
	);
});
