import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLookAlikes, skeleton } from "../../src/core/confusable.ts";

const isLike = createLookAlikes();

describe("two names look alike", () => {
	test.each([
		["Alice", "alice"],
		["Alice", "AIice"],
		["Alice", "Аliсе"],
		["Alice", "𝒜lice"],
		["Alice", "Àlicé"],
		["Alice", "A\u200bli\u00adce"],
		["Alice", " Alice  "],
		["Alice", "\u202eAlice"],
		["mary", "rnary"],
		["Tom", "том"],
		["BOHR", "вонr"],
		["bob 1", "bob l"],
		["Ωmega", "ωmega"],
		["Straße", "STRASSE"],
	])("%j and %j", (one, other) => {
		expect(isLike(one, ["Somebody", other])).toBe(true);
	});

	test.each([
		["Alice", "Alica"],
		["Romeo", "Juliet"],
		["a b", "ab"],
		["Мария", "Марина"],
		["李", "季"],
	])("%j and %j do not", (one, other) => {
		expect(isLike(one, ["Somebody", other])).toBe(false);
	});
});

test("the skeleton of a skeleton is the same", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary" }), (name) => {
			expect(skeleton(skeleton(name))).toBe(skeleton(name));
		}),
	);
});

test("the skeleton of a long name takes work in proportion to its length", () => {
	const begin = process.cpuUsage();
	skeleton("т".repeat(20_000));
	skeleton("\u0301".repeat(20_000));
	skeleton("m".repeat(20_000));
	expect(process.cpuUsage(begin).user).toBeLessThan(2_000_000);
});
