import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { createConflictWatch } from "../../../src/xmpp/stream/connection-conflict.ts";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { recordedCures } from "../../recorded-log.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Returns a watch on a link that answers the self-pings for which `back` returns true. */
function watched(back: (question: number) => boolean) {
	const { lines, log } = recordedCures();
	let asked = 0;
	const link = {
		iq: async () => {
			if (back(asked++)) return xml("iq", {});
			throw new TemporaryError("no answer");
		},
	};
	return { one: createConflictWatch(link, "bridge.test", log), lines, asked: () => asked };
}

describe("createConflictWatch", () => {
	test("checks every ten minutes, and logs nothing while all self-pings are answered", async () => {
		const { one, lines, asked } = watched(() => true);
		one.online();
		await vi.advanceTimersByTimeAsync(3_600_000);
		expect(one.cause()).toBeUndefined();
		expect(lines).toEqual([]);
		expect(asked()).toBe(60);
	});

	test("logs one line when a second connection takes some of the self-pings, and one when that ends", async () => {
		let both = true;
		const { one, lines } = watched((n) => !both || n % 3 > 0);
		one.online();
		await vi.advanceTimersByTimeAsync(120_000);
		expect(one.cause()).toContain("Stop the other bridge");
		expect(lines).toEqual([expect.stringMatching(/^another connection shares.*bridge\.test/)]);
		both = false;
		await vi.advanceTimersByTimeAsync(60_000);
		expect(one.cause()).toBeUndefined();
		expect(lines.slice(1)).toEqual(["the XMPP link is ours alone again"]);
	});

	test("reports no conflict if the server hangs, or if one answer was late", async () => {
		const hung = watched(() => false);
		hung.one.online();
		const slow = watched((n) => n !== 3);
		slow.one.online();
		await vi.advanceTimersByTimeAsync(3_600_000);
		expect([hung.one.cause(), slow.one.cause(), ...hung.lines, ...slow.lines]).toEqual([
			undefined,
			undefined,
		]);
	});

	test("sends no self-ping while the link is offline", async () => {
		const { one, asked } = watched(() => true);
		one.online();
		one.offline();
		await vi.advanceTimersByTimeAsync(3_600_000);
		expect(asked()).toBe(0);
	});
});
