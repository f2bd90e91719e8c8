import { describe, expect, test } from "vitest";
import { createQueryLimit } from "../../src/matrix/query-limit.ts";

const muc = (name: string) => ({ kind: "room", network: "xmpp", address: [name] }) as const;

describe("createQueryLimit", () => {
	test("limits queries about one server without limiting those about others", () => {
		const limit = createQueryLimit(() => 0);
		const asked = Array.from({ length: 1_000 }, (_, n) => limit.may(muc(`room${n}@muc${n}.evil.example`)));
		expect(asked.filter(Boolean).length).toBeLessThanOrEqual(40);
		expect(limit.may(muc("verona@muc.good.example.org"))).toBe(true);
	});

	test("keeps a rate limit of their own for servers with a hit, however many queries name others", () => {
		const limit = createQueryLimit(() => 0);
		limit.note(muc("verona@muc.good.org"), true);
		for (let n = 0; n < 5_000; n++) limit.may(muc(`room@evil${n}.example`));
		expect(limit.may(muc("room@new.example"))).toBe(false);
		expect(limit.may(muc("elsewhere@muc.good.org"))).toBe(true);
	});

	test("remembers a miss for a minute", () => {
		let now = 0;
		const limit = createQueryLimit(() => now);
		limit.note(muc("nobody@muc.x"), false);
		expect([limit.missed(muc("nobody@muc.x")), limit.missed(muc("somebody@muc.x"))]).toEqual([true, false]);
		expect(limit.missed({ ...muc("nobody@muc.x"), kind: "person" })).toBe(false);
		now = 61_000;
		expect(limit.missed(muc("nobody@muc.x"))).toBe(false);
	});
});
