import { describe, expect, test } from "vitest";
import { type Arrived, figures, isOdd, missing, type Path, table } from "./e2e/counting.ts";

// The fault tests measure with these functions.

const path = (more: Partial<Path> = {}): Path => ({
	name: "here → there",
	sent: 5,
	confirmed: new Set([0, 1, 2, 3]),
	refused: new Set(),
	say: async () => undefined,
	arrived: async () => [],
	...more,
});
const lines = (...numbers: number[]): Arrived[] => numbers.map((n) => ({ n }));
const odd = (of: Path, arrived: readonly Arrived[]) => {
	const { lost, twice, disorder, denied, withheld, again } = figures(of, arrived);
	return { lost, twice, disorder, denied, withheld, again };
};
const none = { lost: 0, twice: 0, disorder: 0, denied: 0, withheld: 0, again: 0 };

describe("figures and table", () => {
	test("accepts each confirmed message once and in order, and an unconfirmed one that arrived or did not", () => {
		expect(odd(path(), lines(0, 1, 2, 3))).toEqual(none);
		expect(odd(path(), lines(0, 1, 2, 3, 4))).toEqual(none);
		expect(isOdd(path(), lines(0, 1, 2, 3, 4))).toBe(false);
	});
	test("counts a confirmed message that is missing as lost, unless its sender got a notice", () => {
		expect(odd(path(), lines(0, 1, 3))).toEqual({ ...none, lost: 1 });
		expect(missing(path(), lines(0, 1, 3))).toEqual([2]);
		expect(odd(path({ refused: new Set([2]) }), lines(0, 1, 3))).toEqual(none);
	});
	test("counts a message that arrived in spite of a sender notice as denied", () => {
		expect(odd(path({ refused: new Set([2]) }), lines(0, 1, 2, 3))).toEqual({ ...none, denied: 1 });
	});
	test("counts a duplicate, and one with the same id apart, since clients recognize that one", () => {
		expect(odd(path(), lines(0, 1, 1, 2, 3))).toEqual({ ...none, twice: 1 });
		const again = [{ n: 0, id: "a" }, { n: 1, id: "b" }, { n: 1, id: "b" }, ...lines(2, 3)];
		expect(odd(path(), again)).toEqual({ ...none, again: 1 });
		expect(odd(path(), [{ n: 0, id: "a" }, { n: 0, id: "b" }, ...lines(1, 2, 3)])).toEqual({
			...none,
			twice: 1,
		});
	});
	test("counts a message behind a later one as out of order, also one that was withheld", () => {
		expect(odd(path(), lines(0, 2, 1, 3))).toEqual({ ...none, disorder: 1 });
		expect(isOdd(path(), lines(0, 2, 1, 3))).toBe(true);
		const withheld = path({ withheld: () => new Set([1]) });
		expect(odd(withheld, lines(0, 2, 1, 3))).toEqual({ ...none, disorder: 1, withheld: 1 });
	});
	test("prints every figure of every path, and the numbers of the messages", () => {
		const text = table([path()], [lines(0, 2, 2, 3)]);
		for (const column of ["sent", "confirmed", "refused", "arrived", "lost", "twice", "disorder"])
			expect(text).toContain(column);
		expect(text).toContain("here → there: lost: 1");
		expect(text).toContain("here → there: twice: 2");
		const late = table([path()], [lines(0, 2, 3, 1, 4)]);
		expect(late).toContain("here → there: disorder: 1 between 3 and 4");
		expect(table([path()], [lines(0, 1, 4, 2, 3)])).toContain("2 between 4 and 3");
		expect(table([path({ confirmed: new Set([0]) })], [lines(1, 0)])).not.toContain("not confirmed");
		expect(table([path({ confirmed: new Set([1]) })], [lines(1, 0)])).toContain(
			"0 between 1 and nothing (not confirmed)",
		);
	});
});
