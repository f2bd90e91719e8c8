import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { Person } from "../../src/core/person.ts";
import { createGhostLookup } from "../../src/xmpp/ghost-lookup.ts";
import { alice, failure } from "./joined/muc-world.ts";

const jid = "alice@bridge.test";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Returns a lookup that takes ten seconds to find a person or fail. */
function slow() {
	const asked: string[] = [];
	const answer = { person: undefined as Person | undefined, fails: false };
	const who = createGhostLookup(async (ghost) => {
		asked.push(ghost);
		await new Promise((resolve) => setTimeout(resolve, 10_000));
		if (answer.fails) throw new TemporaryError("down");
		return answer.person;
	});
	return { who, asked, answer };
}

test("concurrent lookups of one ghost share one request", async () => {
	const { who, asked, answer } = slow();
	answer.person = alice;
	const all = [who(jid), who("Alice@bridge.test")];
	await vi.advanceTimersByTimeAsync(9_000);
	all.push(who(jid));
	const other = who("bob@bridge.test");
	await vi.advanceTimersByTimeAsync(1_000);
	expect(await Promise.all(all)).toEqual([alice, alice, alice]);
	await vi.advanceTimersByTimeAsync(9_000);
	await other;
	expect(asked).toEqual([jid, "bob@bridge.test"]);
});

test("a failed lookup fails further ones at once for five seconds, and is then retried", async () => {
	const { who, asked, answer } = slow();
	answer.fails = true;
	const first = failure(who(jid));
	await vi.advanceTimersByTimeAsync(10_000);
	expect(await first).toBeInstanceOf(TemporaryError);
	for (let n = 0; n < 20; n++) expect(await failure(who(jid))).toBeInstanceOf(TemporaryError);
	await vi.advanceTimersByTimeAsync(4_900);
	expect(await failure(who(jid))).toBeInstanceOf(TemporaryError);
	expect(asked).toHaveLength(1);
	answer.fails = false;
	answer.person = alice;
	await vi.advanceTimersByTimeAsync(200);
	const again = who(jid);
	await vi.advanceTimersByTimeAsync(10_000);
	expect(await again).toBe(alice);
	expect(asked).toHaveLength(2);
});

test("a found ghost is cached for five minutes, a missing one for half a minute", async () => {
	const { who, asked, answer } = slow();
	const lookUp = async () => {
		const found = who(jid);
		await vi.advanceTimersByTimeAsync(10_000);
		return found;
	};
	expect(await lookUp()).toBeUndefined();
	answer.person = alice;
	await vi.advanceTimersByTimeAsync(15_000);
	expect(await lookUp()).toBeUndefined();
	await vi.advanceTimersByTimeAsync(6_000);
	expect(await lookUp()).toBe(alice);
	answer.person = undefined;
	await vi.advanceTimersByTimeAsync(280_000);
	expect(await lookUp()).toBe(alice);
	await vi.advanceTimersByTimeAsync(11_000);
	expect(await lookUp()).toBeUndefined();
	expect(asked).toHaveLength(3);
});

test("at most a thousand lookups wait, and further ones fail at once; a cached ghost is still found", async () => {
	const { who, asked, answer } = slow();
	answer.person = alice;
	const known = who(jid);
	await vi.advanceTimersByTimeAsync(10_000);
	await known;
	const flood = Array.from({ length: 1_000 }, (_, n) => who(`${n % 700}@bridge.test`));
	expect(await failure(who("one-more@bridge.test"))).toBeInstanceOf(TemporaryError);
	expect(await failure(who("1@bridge.test"))).toBeInstanceOf(TemporaryError);
	expect(await who(jid)).toBe(alice);
	expect(asked).toHaveLength(701);
	await vi.advanceTimersByTimeAsync(10_000);
	expect(await Promise.all(flood)).toEqual(Array(1_000).fill(alice));
	const next = who("one-more@bridge.test");
	await vi.advanceTimersByTimeAsync(10_000);
	expect(await next).toBe(alice);
});
