import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { createCatchUp } from "../../../src/matrix/backfill/catch-up.ts";
import { MatrixError } from "../../../src/matrix/client.ts";
import type { MatrixEvent } from "../../../src/matrix/event.ts";
import { quiet } from "../../fakes.ts";
import { sampleEvent } from "../samples.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000, shouldAdvanceTime: true }));
afterEach(() => void vi.useRealTimers());

let count = 0;
const event = (more: Partial<MatrixEvent> = {}) =>
	sampleEvent({ event_id: `$${++count}`, room_id: "!room", origin_server_ts: Date.now(), ...more });
const events = (n: number, more: Partial<MatrixEvent> = {}) => Array.from({ length: n }, () => event(more));

/** Makes a homeserver with these events in its rooms; notes the events that were taken and the rooms that were read. */
function world(timeline: MatrixEvent[]) {
	const taken: string[] = [];
	const asked: string[] = [];
	const knocks: number[] = [];
	const disk = new Map<string, string>();
	const fails = { messages: undefined as Error | undefined, take: undefined as Error | undefined };
	const run = () =>
		createCatchUp({
			client: {
				async messages(room, { limit, from = "0" }) {
					asked.push(room);
					if (room === "!gone") throw new MatrixError(403, "M_FORBIDDEN", "not in the room");
					if (fails.messages) throw fails.messages;
					const newest = timeline.filter(({ room_id }) => room_id === room).toReversed();
					const end = Number(from) + limit;
					return { chunk: newest.slice(Number(from), end), ...(end < newest.length && { end: String(end) }) };
				},
			},
			bridge: {
				cursor: async (key) => disk.get(key),
				beginArchive: async () => undefined,
				saveCursor: async ({ key, value = "" }) => void disk.set(key, value),
			},
			linkOf: async (room) => `link of ${room}`,
			reader: async () => undefined,
			isOurs: (mxid) => mxid.startsWith("@_"),
			isWhole: async () => false,
			isAway: () => false,
			async take(handed) {
				if (fails.take) throw fails.take;
				taken.push(...handed.map(({ event_id }) => event_id));
			},
			ping: () => void knocks.push(Date.now()),
			log: quiet,
		});
	return { run, gaps: run(), taken, asked, fails, knocks };
}
/** Returns a transaction without a usable transaction id. */
const handed = (to: ReturnType<typeof createCatchUp>, ...of: readonly MatrixEvent[]) =>
	to.takeTransaction("some", of);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const ids = (...of: readonly (MatrixEvent | readonly MatrixEvent[])[]) =>
	of.flat().map(({ event_id }) => event_id);

describe("createCatchUp", () => {
	test("takes a lost event before the next transaction, after the homeserver was away", async () => {
		const [first, lost, next, coming] = [event(), events(40), event(), event()];
		const { gaps, taken } = world([first, ...lost, next, coming]);
		await handed(gaps, first);
		gaps.doubt();
		await handed(gaps, next);
		expect(taken).toEqual(ids(first, lost, next));
		await handed(gaps, coming);
		expect(taken).toEqual(ids(first, lost, next, coming));
	});

	// Synapse sorts the history of a room by depth, and hands its events over as they were persisted.
	test("takes a lost event that stands before one that was handed over earlier", async () => {
		const [first, lost, handedOver, next] = [event(), event(), events(3), event()];
		const { gaps, taken } = world([first, lost, ...handedOver, next]);
		await handed(gaps, first);
		for (const one of handedOver) await handed(gaps, one);
		gaps.doubt();
		await handed(gaps, next);
		expect(taken).toEqual(ids(first, handedOver, lost, next));
	});

	test("takes such an event also if the bridge was stopped or killed meanwhile, and nothing else again", async () => {
		const [first, lost, handedOver] = [event(), event(), events(3)];
		const { gaps, run, taken } = world([first, lost, ...handedOver]);
		await handed(gaps, first);
		for (const one of handedOver) await handed(gaps, one);
		await pass(1_500);
		const second = run();
		await second.follow("!room", "link of !room");
		second.disturbed();
		await pass(100_000);
		expect(taken).toEqual(ids(first, handedOver, lost));
	});

	test("takes a lost event that stands between two of a transaction in its place", async () => {
		const [first, one, lost, other] = [event(), event(), event(), event()];
		const { gaps, taken } = world([first, one, lost, other]);
		await handed(gaps, first);
		gaps.doubt();
		await handed(gaps, one, other);
		expect(taken).toEqual(ids(first, one, lost, other));
	});

	test("reads the lost events of a portal whose first event came in right before a kill", async () => {
		const [first, lost] = [event(), events(3)];
		const { run, gaps, taken } = world([first, ...lost]);
		await handed(gaps, first);
		// The kill leaves no time for a timer.
		const second = run();
		await second.follow("!room", "link of !room");
		second.disturbed();
		await pass(6_000);
		expect(taken).toEqual(ids(first, lost));
	});

	test("still looks for events lost in a restart when a transaction brings older events", async () => {
		const [first, backlog, lost, later] = [event(), events(50), events(2), events(3)];
		const { gaps, taken, asked } = world([first, ...backlog, ...lost, ...later]);
		await handed(gaps, first);
		gaps.disturbed();
		for (const one of [...backlog, ...later]) await handed(gaps, one);
		expect(taken).toEqual(ids(first, backlog, lost, later));
		// Two pages at the first time, and two for the skipped events.
		expect(asked).toHaveLength(4);
	});

	test("notices an event that is lost before one of our own", async () => {
		const [first, backlog, lost] = [event(), event(), event()];
		const own = event({ sender: "@_xmpp_romeo:hs.test" });
		const { gaps, taken } = world([first, backlog, lost, own]);
		await handed(gaps, first);
		gaps.disturbed();
		await handed(gaps, backlog);
		await handed(gaps, own);
		expect(taken).toEqual(ids(first, backlog, lost, own));
	});

	test("reads no room without a sign of loss", async () => {
		const { gaps, asked } = world([]);
		await handed(gaps, event());
		await handed(gaps, event());
		await pass(100_000);
		expect(asked).toEqual([]);
	});

	test("reads a silent room some seconds later, once and in order", async () => {
		const [first, lost] = [event(), events(3)];
		const { gaps, taken } = world([first, ...lost]);
		await handed(gaps, first);
		gaps.disturbed();
		await pass(100_000);
		expect(taken).toEqual(ids(first, lost));
	});

	test("reads in the next run events that both homeserver and bridge forgot", async () => {
		const [first, lost, next] = [event(), events(3), event()];
		const { gaps, run, taken } = world([first, ...lost, next]);
		await handed(gaps, first);
		await pass(1_500);
		const second = run();
		await second.follow("!room", "link of !room");
		await handed(second, next);
		expect(taken).toEqual(ids(first, lost, next));
	});

	test("reads no room while the homeserver hands over its backlog", async () => {
		const [first, backlog] = [event(), events(120)];
		const { gaps, run, taken } = world([first, ...backlog]);
		await handed(gaps, first);
		await pass(1_500);
		const second = run();
		second.disturbed();
		for (let n = 0; n < 120; n += 20) {
			await handed(second, ...backlog.slice(n, n + 20));
			await pass(2_000);
		}
		expect(taken).toEqual(ids(first, backlog));
	});

	test("finds lost events also when the first attempt to read the room fails", async () => {
		const [first, lost, next, last] = [event(), event(), event(), event()];
		const { gaps, taken, fails } = world([first, lost, next, last]);
		await handed(gaps, first);
		gaps.doubt();
		fails.take = new TemporaryError("the disk is slow");
		await expect(handed(gaps, next)).rejects.toThrow("the disk is slow");
		fails.take = undefined;
		fails.messages = new TemporaryError("busy");
		const late = handed(gaps, next);
		await pass(25_000);
		await late;
		fails.messages = undefined;
		await handed(gaps, last);
		expect(taken).toEqual(ids(first, next, lost, last));
	});

	test("holds up transactions for a room that cannot be read at most once a minute, and briefly", async () => {
		const [first, second, third, lost, last] = [event(), event(), event(), event(), event()];
		const { gaps, taken, fails } = world([first, second, third, lost, last]);
		await handed(gaps, first);
		gaps.doubt();
		fails.messages = new TemporaryError("broken");
		const held = handed(gaps, second);
		await pass(10_000);
		expect(taken).toEqual(ids(first));
		await pass(12_000);
		await held;
		await handed(gaps, third);
		expect(taken).toEqual(ids(first, second, third));
		await pass(60_000);
		const again = handed(gaps, last);
		await pass(10_000);
		fails.messages = undefined;
		await pass(1_000);
		await again;
		expect(taken).toEqual(ids(first, second, third, lost, last));
	});

	test("leaves waiting rooms to the next run at a stop, without delay", async () => {
		const [first, lost, next] = [event(), event(), event()];
		const { gaps, run, taken, fails } = world([first, lost, next]);
		await handed(gaps, first);
		gaps.doubt();
		fails.messages = new TemporaryError("busy", { retryAfter: 15_000 });
		const late = handed(gaps, next).then(
			() => "taken",
			(error: Error) => error.message,
		);
		await pass(1_000);
		await gaps.stop(Promise.resolve());
		expect(await late).toBe("stopping");
		fails.messages = undefined;
		const second = run();
		await second.follow("!room", "link of !room");
		await handed(second, next);
		expect(taken).toEqual(ids(first, lost, next));
	});

	test("asks no earlier than the homeserver's retry_after_ms", async () => {
		const [first, lost, next] = [event(), event(), event()];
		const { gaps, taken, asked, fails } = world([first, lost, next]);
		await handed(gaps, first);
		gaps.doubt();
		fails.messages = new TemporaryError("too fast", { retryAfter: 5_000 });
		const late = handed(gaps, next);
		await pass(4_000);
		expect(asked).toHaveLength(1);
		fails.messages = undefined;
		await pass(2_000);
		await late;
		expect(taken).toEqual(ids(first, lost, next));
	});

	test("keeps the order when the homeserver is busy for seconds", async () => {
		const [first, lost, next] = [event(), event(), event()];
		const { gaps, taken, fails } = world([first, lost, next]);
		await handed(gaps, first);
		gaps.doubt();
		fails.messages = new TemporaryError("busy");
		const late = handed(gaps, next);
		await pass(15_000);
		fails.messages = undefined;
		await pass(1_000);
		await late;
		expect(taken).toEqual(ids(first, lost, next));
	});

	test("takes a repeated transaction as a sign of loss", async () => {
		const [first, lost] = [event(), event()];
		const { gaps, taken } = world([first, lost]);
		await handed(gaps, first);
		await handed(gaps, first);
		await pass(100_000);
		expect(taken).toEqual(ids(first, first, lost));
	});

	test("reads a silent room also while disturbances follow each other for minutes", async () => {
		const [first, lost, other] = [event(), event(), event({ room_id: "!other" })];
		const { gaps, taken } = world([first, lost]);
		await handed(gaps, first);
		// The homeserver never hears us acknowledge this one.
		for (let n = 0; n < 25; n++) {
			await handed(gaps, other);
			await pass(4_000);
		}
		expect(taken).toContain(lost.event_id);
	});

	test("reads the events of a skipped transaction before the next one", async () => {
		const [first, lost, next, late] = [event(), events(2), event(), event()];
		const { gaps, taken } = world([first, ...lost, next, late]);
		await gaps.takeTransaction("7", [first]);
		await gaps.takeTransaction("9", [next]);
		await gaps.takeTransaction("8", lost);
		await gaps.takeTransaction("10", [late]);
		expect(taken).toEqual(ids(first, lost, next, lost, late));
	});

	test("takes a late transaction with events that were read as no sign of loss", async () => {
		const [first, lost] = [event(), events(50)];
		const { gaps, asked } = world([first, ...lost]);
		await handed(gaps, first);
		gaps.disturbed();
		await pass(100_000);
		const before = asked.length;
		for (const one of lost) await handed(gaps, one);
		await pass(100_000);
		expect(asked.length).toBe(before);
	});

	test("does not read a room again from a late event", async () => {
		const [first, lost, next] = [event(), event(), event()];
		const { gaps, run, taken } = world([first, lost, next]);
		await handed(gaps, first);
		gaps.doubt();
		await handed(gaps, next);
		await handed(gaps, lost);
		await gaps.stop(Promise.resolve());
		run().disturbed();
		await pass(100_000);
		expect(taken).toEqual(ids(first, lost, next, lost));
	});

	test("takes lost state events that people read of, such as a new topic", async () => {
		const [first, lost] = [event(), event({ type: "m.room.topic", state_key: "", content: { topic: "x" } })];
		const { gaps, taken } = world([first, lost]);
		await handed(gaps, first);
		gaps.disturbed();
		await pass(100_000);
		expect(taken).toEqual(ids(first, lost));
	});

	test("ignores events from before the portal, own events and other state", async () => {
		const before = events(2);
		const first = event();
		const own = event({ sender: "@_xmpp_romeo:hs.test" });
		const join = event({ type: "m.room.member", state_key: "@bob:hs.test", content: { membership: "join" } });
		const { gaps, taken } = world([...before, first, own, join]);
		await handed(gaps, first);
		gaps.disturbed();
		await pass(100_000);
		expect(taken).toEqual(ids(first));
	});

	test("reads no room without events, and goes on past a room that the bridge has left", async () => {
		const [first, lost] = [event(), event()];
		const { gaps, asked, taken } = world([event({ room_id: "!silent" }), first, lost]);
		await handed(gaps, event({ room_id: "!gone" }), first);
		gaps.disturbed();
		await pass(10_000);
		expect([...new Set(asked)].sort()).toEqual(["!gone", "!room"]);
		expect(taken).toContain(lost.event_id);
	});

	test("pings a homeserver that sends no transactions, and reads its rooms, until it sends one", async () => {
		const timeline = [event(), event()];
		const { gaps, taken, asked, knocks } = world(timeline);
		await handed(gaps, ...timeline.slice(0, 1));
		gaps.disturbed();
		await pass(100_000);
		expect(taken).toEqual(ids(timeline));
		const knocked = knocks.length;
		expect(knocked).toBeGreaterThan(0);
		timeline.push(...events(2));
		await pass(600_000);
		expect(taken).toEqual(ids(timeline));
		expect(knocks.length).toBeGreaterThan(knocked);
		const next = event();
		timeline.push(next);
		await handed(gaps, next);
		await pass(1_300_000);
		const [reads, calls] = [asked.length, knocks.length];
		await pass(3_600_000);
		expect([asked.length, knocks.length]).toEqual([reads, calls]);
	});

	test("reads the rooms of a homeserver that sends no echo of our events, and pings it", async () => {
		const [first, own, lost] = [event(), event({ sender: "@_xmpp_romeo:hs.test" }), event()];
		const { gaps, taken, knocks } = world([first, own, lost]);
		await handed(gaps, first);
		await pass(1_000);
		gaps.noteSent(Date.now());
		await pass(50_000);
		expect([knocks.length, taken.length]).toEqual([0, 1]);
		await pass(20_000);
		expect(taken).toEqual(ids(first, lost));
		expect(knocks.length).toBeGreaterThan(0);
	});

	test("reads no room of a homeserver that sends the echo", async () => {
		const [first, own] = [event(), event({ sender: "@_xmpp_romeo:hs.test" })];
		const { gaps, asked, knocks } = world([first, own]);
		await handed(gaps, first);
		await pass(1_000);
		gaps.noteSent(Date.now());
		await handed(gaps, own);
		// The answer to the send came after its echo.
		gaps.noteSent(Date.now() - 5);
		await pass(200_000);
		expect([asked, knocks]).toEqual([[], []]);
	});

	test("asks nothing after the stop", async () => {
		const { gaps, asked } = world([]);
		await handed(gaps, event());
		gaps.disturbed();
		await gaps.stop(Promise.resolve());
		await pass(100_000);
		expect(asked).toEqual([]);
	});
});
