import { describe, expect, test } from "vitest";
import { createAllowance } from "../../src/core/allowance.ts";
import type { NetworkName, UserId } from "../../src/core/ids.ts";
import { createRateLimit } from "../../src/core/limits.ts";
import { atLeast, createPermissions } from "../../src/core/permissions.ts";
import type { Person } from "../../src/core/person.ts";
import { noLimits } from "../bridge.ts";

const person = (handle: string, domain: string): Person => ({
	network: "earth" as NetworkName,
	id: handle as UserId,
	address: [handle],
	handles: [handle],
	domain,
});

describe("permissions", () => {
	const level = createPermissions({
		"*": "use",
		"@*:hs.test": "link",
		"@admin:hs.test": "admin",
		"*@spam.example": "block",
		"bad.example": "block",
		"good@spam.example": "use",
	});
	test.each([
		["@alice:hs.test", "hs.test", "link"],
		["@admin:hs.test", "hs.test", "admin"],
		["@eve:elsewhere.test", "elsewhere.test", "use"],
		["x@spam.example", "spam.example", "block"],
		["good@spam.example", "spam.example", "use"],
		["anybody@bad.example", "bad.example", "block"],
		["X@SPAM.example", "spam.example", "block"],
		["@alice:hsxtest", "hsxtest", "use"],
	])("%s of %s may %s", (handle, domain, expected) => {
		expect(level(person(handle, domain))).toBe(expected);
	});

	test("a person whom no glob matches is blocked", () => {
		expect(createPermissions({ "@a:b": "use" })(person("@c:d", "d"))).toBe("block");
	});

	test("each level includes the levels before it", () => {
		expect(atLeast("admin", "link")).toBe(true);
		expect(atLeast("use", "link")).toBe(false);
		expect(atLeast("block", "use")).toBe(false);
	});
});

test("a rate limit allows its burst, then its rate, for each key on its own", () => {
	let now = 0;
	const allowed = createRateLimit({ perMinute: 60, burst: 3 }, () => now);
	const burst = (key: string) => [1, 2, 3, 4].filter(() => allowed(key)).length;
	expect(burst("a")).toBe(3);
	expect(burst("b")).toBe(3);
	now += 2_000;
	expect(burst("a")).toBe(2);
	now += 3_600_000;
	expect(burst("a")).toBe(3);
});

test("a rate limit tells how long a key has to wait, and takes a token back", () => {
	let now = 0;
	const limit = createRateLimit({ perMinute: 60, burst: 2 }, () => now);
	expect([limit.wait("a"), limit("a"), limit("a"), limit.wait("a")]).toEqual([0, true, true, 1_000]);
	now += 400;
	expect(Math.round(limit.wait("a"))).toBe(600);
	expect([limit("a"), limit.wait("b")]).toEqual([false, 0]);
	limit.refund("a");
	expect([limit.wait("a"), limit("a"), limit("a")]).toEqual([0, true, false]);
	for (let n = 0; n < 5; n++) limit.refund("b");
	expect([limit("b"), limit("b"), limit("b")]).toEqual([true, true, false]);
});

test("an event costs no token if one of its two buckets is empty", () => {
	const limits = {
		...noLimits,
		sender: { perMinute: 0.001, burst: 2 },
		domain: { perMinute: 0.001, burst: 1 },
	};
	const allowance = createAllowance(limits);
	const sender = "ann" as UserId;
	expect(allowance.take({ domain: "one" })).toBe(true);
	expect(allowance.take({ sender, domain: "one" })).toBe(false);
	expect(allowance.wait({ sender, domain: "one" })).toMatchObject({ own: 0 });
	expect(allowance.wait({ sender, domain: "one" }).shared).toBeGreaterThan(1_000);
	for (const domain of ["two", "three"]) expect(allowance.take({ sender, domain })).toBe(true);
	expect(allowance.take({ sender, domain: "four" })).toBe(false);
	expect(allowance.take({ domain: "four" }), "a refused sender takes no token of the domain").toBe(true);
});

test("a rate limit counts backfilled messages by their times, and by no time in the future", () => {
	let now = 1_000_000;
	const allowed = createRateLimit({ perMinute: 60, burst: 3 }, () => now);
	const said = Array.from({ length: 30 }, (_, n) => allowed("a", now - 100_000 + n * 1_000));
	expect(said).not.toContain(false);
	const flood = Array.from({ length: 30 }, () => allowed("b", now - 100_000));
	expect(flood.filter(Boolean)).toHaveLength(3);
	for (const later of [1, 2, 3]) expect(allowed("c", now + later * 1_000)).toBe(true);
	expect(allowed("c", now + 60_000)).toBe(false);
	expect(allowed("c", now - 60_000), "a time that goes back adds no tokens").toBe(false);
	now += 1_000;
	expect(allowed("c")).toBe(true);
});
