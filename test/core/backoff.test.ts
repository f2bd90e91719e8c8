import { expect, test } from "vitest";
import { backoff } from "../../src/core/backoff.ts";

const bounds = { first: 1_000, most: 60_000 };
const many = (failures: number) => Array.from({ length: 200 }, () => backoff(failures, bounds));

test.each([
	[0, 500, 1_000],
	[1, 1_000, 2_000],
	[5, 16_000, 32_000],
	[6, 30_000, 60_000],
	[2_000, 30_000, 60_000],
])("after %i failures the delay lies between %i and %i ms", (failures, least, most) => {
	expect(Math.min(...many(failures))).toBeGreaterThanOrEqual(least);
	expect(Math.max(...many(failures))).toBeLessThanOrEqual(most);
});

test("two clients that failed at the same time get different delays", () =>
	expect(new Set(many(6)).size).toBeGreaterThan(100));
