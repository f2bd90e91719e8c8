import { expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { Message } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import { createSenderNotices } from "../../src/core/sender-notices.ts";
import { fakeNetwork, quiet, until } from "../fakes.ts";

const no = new PermanentError("failed", "the dome is closed.");
const earth = fakeNetwork("earth");
const line = (n: number): Message => ({
	kind: "message",
	style: "text",
	id: `line ${n}` as MessageId,
	room: "plaza" as RoomId,
	sender: earth.person("ann"),
	at: 0,
	text: "hello",
});

/** A network whose `refuse` fails with the outcomes in order and then succeeds. Records its calls. */
function world(outcomes: Error[], more: { pauses?: number[]; most?: number } = {}) {
	const tried: string[] = [];
	const logged: string[] = [];
	const refuse = async ({ id }: { id: string }) => {
		tried.push(id);
		const outcome = outcomes.shift();
		if (outcome) throw outcome;
	};
	const log = { ...quiet, error: (_: object, message: string) => void logged.push(message) };
	return {
		tried,
		logged,
		tell: createSenderNotices({ network: () => ({ refuse }), log, pauses: [5, 5], ...more }),
	};
}
const tries = (tried: readonly string[], count: number) =>
	until(
		() => tried.length === count,
		() => tried.join(),
	);

test("a notice to a sender whose own server is away arrives once that server is back", async () => {
	const { tried, logged, tell } = world([new TemporaryError("away"), new TemporaryError("away")]);
	await tell(line(1), no, "MARS");
	expect(tried, "nobody is kept waiting for that").toHaveLength(1);
	await tries(tried, 3);
	expect(logged).toEqual([]);
});

test("a notice that fails for good, or after its last attempt, is logged", async () => {
	const away = Array.from({ length: 3 }, () => new TemporaryError("away"));
	const { tried, logged, tell } = world([...away, new Error("not in that room")]);
	void tell(line(1), no, "MARS");
	await until(
		() => logged.length === 1,
		() => logged.join(),
	);
	expect(tried).toHaveLength(3);
	void tell(line(2), no, "MARS");
	await until(
		() => logged.length === 2,
		() => logged.join(),
	);
	expect(tried).toHaveLength(4);
	expect(new Set(logged)).toEqual(new Set(["could not send a notice to the sender"]));
});

test("a notice is retried after the delay that the server asks for", async () => {
	const { tried, tell } = world([new TemporaryError("too fast", { retryAfter: 300 })]);
	const began = Date.now();
	void tell(line(1), no, "MARS");
	await tries(tried, 2);
	expect(Date.now() - began).toBeGreaterThan(290);
});

test("a flood of refusals keeps a bounded number of notices in memory, and is logged", async () => {
	const away = Array.from({ length: 5 }, () => new TemporaryError("away"));
	const { tried, logged, tell } = world(away, { most: 3, pauses: [40] });
	for (let n = 0; n < 5; n++) void tell(line(n), no, "MARS");
	expect(tried).toEqual(["line 0", "line 1", "line 2"]);
	expect(logged).toEqual(Array(2).fill("too many sender notices wait; this one is dropped"));
	for (let n = 5; n < 100; n++) void tell(line(n), no, "MARS");
	expect(logged).toHaveLength(20);
	await tries(tried, 6);
});
