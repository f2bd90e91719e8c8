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
		detection.took([event("$7")]);
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
		detection.took([event("$0")]);
		detection.settle(room, detection.doubts(), ["$1"]);
		expect(detection.inTurn(room, [event("$0"), event("$1")])).toBe(true);
	});
});

describe("createLossDetection: the position of a room", () => {
	test("is its last event that was taken, and stays where the room is suspect", () => {
		const room = detection.track("!r");
		detection.took([event("$1"), event("$2")]);
		expect(room.position).toEqual({ event: "$2", at: 1_000 });
		detection.doubt();
		detection.took([event("$3")]);
		expect(room.position?.event).toBe("$2");
	});

	test("does not go back where the homeserver repeats an event", () => {
		const room = detection.track("!r");
		detection.took([event("$1"), event("$2")]);
		detection.took([event("$1")]);
		expect(room.position?.event).toBe("$2");
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
		detection.took([event("$1")]);
		detection.took([event("$2")], true);
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
