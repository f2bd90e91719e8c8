import { beforeEach, describe, expect, test } from "vitest";
import { createLossDetection, type LossDetection } from "../../../src/matrix/backfill/loss-detection.ts";
import { sampleEvent } from "../samples.ts";

const event = (event_id: string) => sampleEvent({ event_id, origin_server_ts: 1_000 });
const position = { event: "$0", at: 0 };

let detection: LossDetection;
beforeEach(() => {
	detection = createLossDetection();
});

describe("createLossDetection: the state of a room", () => {
	test("is complete for a room that the bridge has never seen an event of", () => {
		const room = detection.track("!r");
		detection.doubt();
		expect(room.state).toEqual({ is: "complete" });
		expect(detection.inTurn(room, [event("$1")])).toBe(true);
	});

	test("is suspect for a room with a position of an earlier run, and after each doubt", () => {
		const room = detection.track("!r", position);
		expect(detection.inTurn(room, [event("$1")])).toBe(false);
		detection.settle(room, detection.doubts(), []);
		expect(room.state).toEqual({ is: "complete" });
		detection.doubt();
		expect(room.state).toEqual({ is: "suspect" });
	});

	test("is complete for a room that begins anew, whose next event is taken as it comes", () => {
		const room = detection.track("!r", position);
		detection.begin("!r");
		expect(room).toEqual({ name: "!r", state: { is: "complete" } });
		expect(detection.inTurn(room, [event("$7")])).toBe(true);
		detection.took([event("$7")], 0);
		expect(room.position).toEqual({ event: "$7", at: 1_000 });
	});

	test("stays suspect where a doubt came while the room was read", () => {
		const room = detection.track("!r", position);
		const before = detection.doubts();
		detection.doubt();
		detection.settle(room, before, []);
		expect(room.state).toEqual({ is: "suspect" });
	});

	test("expects the events that were read behind a transaction, in their order, and is complete after them", () => {
		const room = detection.track("!r", position);
		detection.settle(room, detection.doubts(), ["$1", "$2", "$3"]);
		expect(detection.inTurn(room, [event("$1"), event("$2")])).toBe(true);
		expect(room.state).toEqual({ is: "expecting", next: ["$3"] });
		expect(detection.inTurn(room, [event("$3"), event("$4")])).toBe(true);
		expect(room.state).toEqual({ is: "complete" });
	});

	test.each([[["$2"]], [["$1", "$3"]], [["$4"]]])(
		"is suspect where %j comes before it is its turn",
		(ids) => {
			const room = detection.track("!r", position);
			detection.settle(room, detection.doubts(), ["$1", "$2", "$3"]);
			expect(
				detection.inTurn(
					room,
					ids.map((id) => event(id)),
				),
			).toBe(false);
			expect(room.state).toEqual({ is: "suspect" });
		},
	);

	test("passes over a repeated event where another one is expected", () => {
		const room = detection.track("!r", position);
		detection.took([event("$0")], 0);
		detection.settle(room, detection.doubts(), ["$1"]);
		expect(detection.inTurn(room, [event("$0"), event("$1")])).toBe(true);
	});
});

describe("createLossDetection: the position of a room", () => {
	const past = 60_000;

	test("moves on to an event half a minute after that was taken, and stays where the room is suspect", () => {
		const room = detection.track("!r");
		detection.took([event("$1"), event("$2")], 0);
		expect(room.position).toMatchObject({ event: "$1", since: [{ event: "$2" }] });
		detection.pass(past);
		expect(room.position).toEqual({ event: "$2", at: 1_000 });
		detection.took([event("$3")], past);
		detection.doubt();
		detection.took([event("$4")], past);
		detection.pass(2 * past);
		expect(room.position).toMatchObject({ event: "$2", since: [{ event: "$3" }] });
	});

	test("is at most a hundred events behind the last one", () => {
		const room = detection.track("!r");
		for (let n = 1; n <= 300; n++) detection.took([event(`$${n}`)], 0);
		expect(room.position).toMatchObject({ event: "$200" });
		expect(room.position?.since?.map((one) => one.event).at(-1)).toBe("$300");
	});

	test("is the same object while it stays: it is saved once", () => {
		const room = detection.track("!r");
		detection.took([event("$1"), event("$2")], 0);
		const before = room.position;
		detection.pass(1_000);
		expect(room.position).toBe(before);
	});

	test("does not move where the homeserver repeats an event", () => {
		const room = detection.track("!r");
		detection.took([event("$1"), event("$2")], 0);
		detection.took([event("$1")], 0);
		detection.pass(past);
		expect(room.position?.event).toBe("$2");
	});

	test("tells the next run which later events were taken", () => {
		detection.track("!r", { ...position, since: [{ event: "$1", at: 1, taken: 1 }] });
		expect(["$1", "$2"].map(detection.seen)).toEqual([true, false]);
	});
});

describe("createLossDetection: the transactions", () => {
	test.each([
		["1", "2", false],
		["1", "3", true],
		["7", "1", false],
		["some", "9", false],
		["1", "some", false],
	])("after %s comes %s: one was skipped: %s", (first, second, skipped) => {
		detection.handed(first, [], 0);
		expect(detection.handed(second, [], 1).skipped).toBe(skipped);
	});

	test("count as repeated if they hold a taken event, and not if the backfill read that event", () => {
		detection.took([event("$1")], 0);
		detection.took([event("$2")], 0, true);
		expect(detection.handed("1", [event("$1"), event("$3")], 0).repeated).toBe(true);
		expect(detection.handed("1", [event("$2")], 0).repeated).toBe(false);
	});

	test("count as overdue, once, a minute after an own event was sent and not echoed", () => {
		detection.handed("1", [], 1_000);
		detection.noteSent(500);
		expect(detection.silentSince(100_000)).toBeUndefined();
		detection.noteSent(2_000);
		detection.noteSent(3_000);
		expect(detection.silentSince(61_999)).toBeUndefined();
		expect(detection.silentSince(62_000)).toBe(2_000);
		expect(detection.silentSince(63_000)).toBeUndefined();
	});

	test("are owed from when a room held more until the next one comes", () => {
		expect(detection.inDebt()).toBe(false);
		detection.owes(10);
		expect(detection.inDebt()).toBe(true);
		detection.handed("1", [], 20);
		expect(detection.inDebt()).toBe(false);
	});
});
