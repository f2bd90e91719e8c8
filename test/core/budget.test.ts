import { describe, expect, test } from "vitest";
import { spend, withinBudget } from "../../src/core/budget.ts";

const loop = (steps: number) => () => {
	for (let i = 0; i < steps; i++) spend();
	return "rich";
};
const plain = () => "plain";

describe("withinBudget", () => {
	test("returns the result of work that is linear in its input", () => {
		expect(withinBudget(1_000, loop(100_000), plain)).toBe("rich");
	});
	test("returns the plain form of work that is quadratic in its input", () => {
		expect(withinBudget(1_000, loop(1_000_000), plain)).toBe("plain");
	});
	test("grants the same budget after an input that exceeded its own", () => {
		withinBudget(0, loop(1_000_000), plain);
		expect(withinBudget(0, loop(20_000), plain)).toBe("rich");
		expect(withinBudget(0, loop(20_001), plain)).toBe("plain");
	});
	test("counts the work of a nested call against the outer budget", () => {
		const nested = () => {
			for (let i = 0; i < 10; i++) withinBudget(100, loop(10_000), plain);
			return loop(1_000)();
		};
		expect(withinBudget(0, nested, plain)).toBe("plain");
		expect(withinBudget(1_000, nested, plain)).toBe("rich");
	});
	test("lets the plain form call spend without a limit, also in a nested call", () => {
		const inner = () => withinBudget(0, loop(1_000_000), loop(1_000_000));
		expect(inner()).toBe("rich");
		expect(withinBudget(10_000, inner, plain)).toBe("rich");
	});
	test("rethrows all errors but OverBudget", () => {
		const fault = () => {
			throw new TypeError("a fault");
		};
		expect(() => withinBudget(0, fault, plain)).toThrow(TypeError);
	});
	test("sets no limit outside of its call", () => {
		expect(() => spend(1e12)).not.toThrow();
	});
});
