import { beforeEach, expect, test } from "vitest";
import { createBackfillReader } from "../../../src/matrix/backfill/reader.ts";
import type { MatrixEvent } from "../../../src/matrix/event.ts";
import { quiet } from "../../fakes.ts";
import { sampleEvent } from "../samples.ts";

/** The room, the oldest event first. */
let timeline: MatrixEvent[];
let asked: number;
let warned: string[];
/** The rooms whose archive begins anew. */
let begun: string[];
/** The ghost sees the events from this one on. */
let from: number;

const event = (id: string, over: Partial<MatrixEvent> = {}) =>
	sampleEvent({ event_id: id, content: { body: id }, ...over });
const read = (isWhole: boolean, position = "$0") =>
	createBackfillReader({
		client: {
			messages: async (_room, { from: token, limit }) => {
				asked++;
				const end = token === undefined ? timeline.length : Number(token);
				const begin = Math.max(0, end - limit);
				const chunk = timeline.slice(Math.max(begin, from), Math.max(end, from)).reverse();
				return { chunk, ...(begin > 0 && { end: String(begin) }) };
			},
		},
		reader: async () => "@_xmpp_romeo:hs.test",
		isWhole: async () => isWhole,
		bridge: { beginArchive: async (_of, room) => void begun.push(room) },
		isOurs: (mxid) => mxid.startsWith("@_"),
		seen: () => false,
		log: { ...quiet, warn: (_, message) => void warned.push(message) },
	}).read("!r", { event: position, at: 0 }, Date.now());
const ids = async (...how: Parameters<typeof read>) =>
	(await read(...how)).before.map(({ event }) => event.event_id);

beforeEach(() => {
	[asked, from, warned, begun] = [0, 0, [], []];
	timeline = [
		event("$0"),
		event("$ours", { sender: "@_xmpp_romeo:hs.test" }),
		event("$join", { type: "m.room.member", state_key: "@bob:hs.test" }),
		event("$levels", { type: "m.room.power_levels", state_key: "" }),
		event("$said"),
	];
});

test("the gap of a hosted room holds all of its events, ours among them; that of another room what people did", async () => {
	expect(await ids(true)).toEqual(["$ours", "$join", "$levels", "$said"]);
	expect(await ids(false)).toEqual(["$said"]);
});

test("a long gap of a hosted room is read further back, and one that is too long is left to its archive", async () => {
	timeline.push(...Array.from({ length: 2_000 }, (_, n) => event(`$${n + 1}`)));
	expect(await ids(true)).toHaveLength(2_004);
	expect([warned, begun]).toEqual([[], []]);
	const gone = { type: "m.room.member", state_key: "@bob:hs.test", content: { membership: "leave" } };
	timeline.push(...Array.from({ length: 4_000 }, (_, n) => event(`$later${n}`)), event("$gone", gone));
	expect(await ids(true)).toEqual(["$gone"]);
	expect([warned.length, begun]).toEqual([1, ["!r"]]);
});

test("a hosted room is read no further back than its ghost may see", async () => {
	timeline = Array.from({ length: 3_000 }, (_, n) => event(`$${n}`));
	from = 2_950;
	expect(await ids(true)).toHaveLength(50);
	expect(asked).toBe(2);
	expect(warned).toEqual([]);
});
