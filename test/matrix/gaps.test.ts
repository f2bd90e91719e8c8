import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MatrixError } from "../../src/matrix/client.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { keepGaps } from "../../src/matrix/gaps.ts";
import { quiet } from "../fakes.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

let count = 0;
const event = (more: Partial<MatrixEvent> = {}): MatrixEvent => ({
	type: "m.room.message",
	event_id: `$${++count}`,
	room_id: "!room",
	sender: "@alice:hs.test",
	origin_server_ts: Date.now(),
	content: { msgtype: "m.text", body: "hi" },
	...more,
});
/** A homeserver with these events in its rooms, in their order, and what was read from it. */
function world(timeline: MatrixEvent[]) {
	const taken: string[][] = [];
	const asked: string[] = [];
	const gaps = keepGaps({
		client: {
			async messages(room, { limit }) {
				asked.push(room);
				if (room === "!gone") throw new MatrixError(403, "M_FORBIDDEN", "not in the room");
				return {
					chunk: timeline
						.filter(({ room_id }) => room_id === room)
						.toReversed()
						.slice(0, limit),
				};
			},
		},
		reader: async () => undefined,
		isOurs: (mxid) => mxid.startsWith("@_"),
		take: async (events) => void taken.push(events.map(({ event_id }) => event_id)),
		log: quiet,
	});
	return { gaps, taken, asked };
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("what was never handed over is read after a disturbance, once and in order", async () => {
	const [first, lost, other, last] = [event(), event(), event(), event()];
	const { gaps, taken } = world([first, lost, other, last]);
	gaps.heard([first, last]);
	await pass(100_000);
	expect(taken).toEqual([]);
	gaps.disturbed();
	await pass(100_000);
	expect(taken).toEqual([[lost.event_id, other.event_id]]);
});

test("what comes late by itself is not read", async () => {
	const [first, late] = [event(), event()];
	const { gaps, taken } = world([first, late]);
	gaps.heard([first]);
	gaps.disturbed();
	await pass(2_000);
	gaps.heard([late]);
	await pass(100_000);
	expect(taken).toEqual([]);
});

test("what is from before the room was ours, from long ago, our own, or state is left alone", async () => {
	const before = event({ origin_server_ts: Date.now() - 1_000 });
	const first = event();
	await pass(3_600_000);
	const own = event({ sender: "@_xmpp_romeo:hs.test" });
	const join = event({ type: "m.room.member", state_key: "@bob:hs.test", content: { membership: "join" } });
	const old = event({ origin_server_ts: Date.now() - 1_800_000 });
	const { gaps, taken } = world([before, first, old, own, join]);
	gaps.heard([first]);
	gaps.disturbed();
	await pass(100_000);
	expect(taken).toEqual([]);
});

test("rooms nothing was heard from are not asked, nor again those we are out of", async () => {
	const { gaps, asked } = world([event({ room_id: "!silent" })]);
	gaps.heard([event(), event({ room_id: "!gone" })]);
	gaps.disturbed();
	await pass(10_000);
	expect(asked.sort()).toEqual(["!gone", "!room"]);
	await pass(100_000);
	expect(asked.filter((room) => room === "!gone")).toHaveLength(1);
});

test("nothing is asked once it has stopped", async () => {
	const { gaps, asked } = world([]);
	gaps.heard([event()]);
	gaps.disturbed();
	gaps.stop();
	await pass(100_000);
	expect(asked).toEqual([]);
});
