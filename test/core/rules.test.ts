import { describe, expect, test } from "vitest";
import type { NetworkName, UserId } from "../../src/core/ids.ts";
import { createRateLimit } from "../../src/core/limits.ts";
import { atLeast, createPermissions } from "../../src/core/permissions.ts";
import type { Person } from "../../src/core/person.ts";

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
