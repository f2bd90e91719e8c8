import { expect, test } from "vitest";
import { type Arrived, figures, isOdd, missing, type Path, table } from "./e2e/counting.ts";

// What the fault tests measure with.

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

test("all that was confirmed, once and in order, is nothing odd; what nobody confirmed may be there or not", () => {
	expect(odd(path(), lines(0, 1, 2, 3))).toEqual(none);
	expect(odd(path(), lines(0, 1, 2, 3, 4))).toEqual(none);
	expect(isOdd(path(), lines(0, 1, 2, 3, 4))).toBe(false);
});
test("what was confirmed and is not there is lost, unless its sender was told", () => {
	expect(odd(path(), lines(0, 1, 3))).toEqual({ ...none, lost: 1 });
	expect(missing(path(), lines(0, 1, 3))).toEqual([2]);
	expect(odd(path({ refused: new Set([2]) }), lines(0, 1, 3))).toEqual(none);
});
test("what its sender was told is not there, and is, was denied", () => {
	expect(odd(path({ refused: new Set([2]) }), lines(0, 1, 2, 3))).toEqual({ ...none, denied: 1 });
});
test("what is there twice is counted, apart where its readers know it by its id", () => {
	expect(odd(path(), lines(0, 1, 1, 2, 3))).toEqual({ ...none, twice: 1 });
	const again = [{ n: 0, id: "a" }, { n: 1, id: "b" }, { n: 1, id: "b" }, ...lines(2, 3)];
	expect(odd(path(), again)).toEqual({ ...none, again: 1 });
	expect(odd(path(), [{ n: 0, id: "a" }, { n: 0, id: "b" }, ...lines(1, 2, 3)])).toEqual({
		...none,
		twice: 1,
	});
});
test("what stands after a later one is out of order, also where it was withheld", () => {
	expect(odd(path(), lines(0, 2, 1, 3))).toEqual({ ...none, disorder: 1 });
	expect(isOdd(path(), lines(0, 2, 1, 3))).toBe(true);
	const withheld = path({ withheld: () => new Set([1]) });
	expect(odd(withheld, lines(0, 2, 1, 3))).toEqual({ ...none, disorder: 1, withheld: 1 });
});
test("a run prints every figure of every path, and which lines they are", () => {
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
