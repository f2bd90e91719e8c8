import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createGlob } from "../../src/core/permissions.ts";

describe("createGlob", () => {
	test.each([
		["*", "", true],
		["a*a", "a", false],
		["a*a", "aa", true],
		["*ab*b", "ab", false],
		["*ab*b", "xabxb", true],
		["a**b", "ab", true],
		["@*:HS.test", "@a.b:hs.TEST", true],
		["a.c", "abc", false],
		["a", "a\n", false],
		["a*c", "a\nb\nc", true],
	])("%s and %j: %s", (glob, text, matches) => {
		expect(createGlob(glob)(text)).toBe(matches);
	});

	test("matches as a regular expression does", () => {
		const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "\n"), maxLength: 8 });
		fc.assert(
			fc.property(
				fc.string({ unit: fc.constantFrom("a", "b", ".", "*"), maxLength: 8 }),
				text,
				(glob, name) => {
					const pattern = new RegExp(`^${glob.replaceAll(".", "\\.").replaceAll("*", "[^]*")}$`);
					expect(createGlob(glob)(name)).toBe(pattern.test(name));
				},
			),
			{ numRuns: 2_000 },
		);
	});

	test("takes no longer with many stars than with one", () => {
		const start = process.threadCpuUsage();
		createGlob(`${"*a".repeat(20)}*b`)("a".repeat(60_000));
		expect(process.threadCpuUsage(start).user / 1_000).toBeLessThan(100);
	});
});
