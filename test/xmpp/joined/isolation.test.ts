import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import { alice, bodies, failure, linkedWithLine, type World } from "./muc-world.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

/** Sends a line whose writing fails with `error`. */
function sayFailing(w: World, error: unknown): Promise<unknown> {
	const out = w.out({ kind: "message", style: "text", sender: alice } as never);
	const text = () => {
		throw error;
	};
	Object.defineProperty(out.event, "text", { get: text, enumerable: true });
	return w.rooms.send(out);
}

describe("the queue of lines to a MUC", () => {
	test.each<[string, unknown]>([
		["a TypeError", new TypeError("a fault of ours")],
		["an error nobody foresaw", new Error("what is this")],
		["a definite no", new PermanentError("invalid", "too large")],
		["something that is no error", "a string"],
	])("loses the one line that fails with %s, and writes all behind it in order", async (_what, error) => {
		const w = await linkedWithLine();
		const bad = failure(sayFailing(w, error));
		const good = Array.from({ length: 12 }, (_, n) => w.say(`${n + 1}`));
		await w.done(Promise.all(good));
		expect(await bad).toBe(error);
		expect(bodies(w)).toEqual(Array.from({ length: 13 }, (_, n) => `${n}`));
	});

	test("holds every line back that waits behind a temporary error", async () => {
		const w = await linkedWithLine();
		const bad = failure(sayFailing(w, new TemporaryError("busy")));
		const behind = [w.say("1"), w.say("2")].map(failure);
		await w.settle();
		expect(await bad).toBeInstanceOf(TemporaryError);
		for (const one of behind) expect(await one).toBeInstanceOf(TemporaryError);
		expect(bodies(w)).toEqual(["0"]);
	});
});
