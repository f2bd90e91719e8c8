import { beforeEach, describe, expect, test } from "vitest";
import type { MessageId, RoomId } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import { MatrixError } from "../../../src/matrix/client.ts";
import type { MatrixEvent } from "../../../src/matrix/event.ts";
import { createArchive } from "../../../src/matrix/hosting/archive.ts";
import { createEventStore } from "../../../src/matrix/hosting/event-store.ts";
import { fakeNetwork } from "../../fakes.ts";
import { sampleEvent, samplePerson } from "../samples.ts";
import { lineOf } from "./world.ts";

const room = "!r" as RoomId;
const romeo = fakeNetwork("xmpp").person("romeo");
/** The room, the oldest event first. */
let timeline: MatrixEvent[];
let asked: string[];
let atOnce: number;
let most: number;
/** The reader sees the events from this one on. */
let from: number;
let alwaysOpen: boolean;
/** Another ghost in the room, who sees all events. */
let other: string | undefined;
let archive: ReturnType<typeof createArchive>;

const said = (n: number, over: Partial<MatrixEvent> = {}) =>
	sampleEvent({
		event_id: `$${n}`,
		origin_server_ts: n,
		content: { msgtype: "m.text", body: `line ${n}` },
		...over,
	});

beforeEach(() => {
	timeline = Array.from({ length: 30 }, (_, n) => said(n));
	[asked, atOnce, most, from, alwaysOpen, other] = [[], 0, 0, 0, true, undefined];
	const at = (id: string) => timeline.findIndex(({ event_id }) => event_id === id);
	const event = async (_room: string, id: string) => {
		most = Math.max(most, ++atOnce);
		await new Promise((resolve) => setImmediate(resolve));
		atOnce--;
		asked.push(`event ${id}`);
		if (at(id) < from) throw new MatrixError(404, "M_NOT_FOUND", "no");
		return timeline[at(id)];
	};
	const around = {
		person: samplePerson,
		event: () => undefined,
		votes: [],
		isOurs: (mxid: string) => mxid.startsWith("@_"),
	};
	archive = createArchive({
		client: {
			context: async (_room, id, as) => {
				asked.push(`context ${id}`);
				if (at(id) < from && as !== other) throw new MatrixError(403, "M_FORBIDDEN", "no");
				return { end: String(at(id) + 1) };
			},
			messages: async (_room, { from: token, limit, as, filter }) => {
				asked.push(`messages ${token}`);
				expect(JSON.parse(filter ?? "")).toEqual({ not_types: ["m.room.member"] });
				const first = as === other ? 0 : from;
				const end = token === undefined ? timeline.length : Number(token);
				const begin = Math.max(0, end - limit);
				const chunk = timeline.slice(Math.max(begin, first), Math.max(end, first)).reverse();
				return { chunk, ...(begin > 0 && { end: String(begin) }) };
			},
		},
		ghosts: { known: async ({ name }: Person) => (name === "romeo" ? "@_xmpp_romeo:hs.test" : undefined) },
		eventCache: { around: async () => around },
		store: createEventStore({ client: { event }, isOpenToMembers: () => false, isIn: () => true }),
		alwaysOpen: async () => alwaysOpen,
		personOf: async (mxid) => samplePerson(mxid),
		speaker: async () => other,
	});
});
const earlier = (before: string | undefined, limit: number) =>
	archive.earlier(room, before as MessageId | undefined, limit, romeo);
const lines = async (...ids: string[]) =>
	[...(await archive.events(room, ids as MessageId[], romeo)).values()].map(lineOf);

describe("the places of an archive", () => {
	test("are read backwards to the beginning, each once, and no more than asked for", async () => {
		const read: string[] = [];
		let end = false;
		for (let first: string | undefined; !end; first = read[0]) {
			const page = await earlier(first, 7);
			expect(page.places.length).toBeLessThanOrEqual(7);
			read.unshift(...page.places.map(({ id }) => id));
			end = page.end;
		}
		expect(read).toEqual(timeline.map(({ event_id }) => event_id));
	});

	test("go on where the last request ended, without another look for the place", async () => {
		await earlier("$29", 20);
		asked.length = 0;
		await earlier("$9", 5);
		expect(asked).toEqual(["messages 9"]);
	});

	test("leave out what no archive shows, also where a whole page is made of it", async () => {
		const member = (n: number) => said(n, { type: "m.room.member", state_key: "@a:hs.test", content: {} });
		timeline = [said(0), ...Array.from({ length: 45 }, (_, n) => member(n + 1)), said(46)];
		const { places, end } = await earlier("$46", 1);
		expect([places.map(({ id }) => id), end]).toEqual([["$0"], true]);
	});

	test("are found behind any number of events without a place, though nobody has said anything since", async () => {
		const pinned = (n: number) =>
			said(n, { type: "m.room.pinned_events.unknown", state_key: "", content: {} });
		timeline = [said(0), ...Array.from({ length: 2_500 }, (_, n) => pinned(n + 1))];
		const found: (readonly string[])[] = [];
		for (let end = false; !end && found.length < 10; ) {
			const read = await earlier(undefined, 200);
			found.push(read.places.map(({ id }) => id));
			end = read.end;
		}
		expect(found.flat()).toEqual(["$0"]);
		expect(asked.length).toBeLessThan(40);
		// A line that comes then is not overlooked.
		timeline.push(said(3_000));
		expect((await earlier(undefined, 200)).places.map(({ id }) => id)).toContain("$3000");
	});

	test("end where the reader may see nothing more, and are then not those of all readers", async () => {
		[from, alwaysOpen] = [20, false];
		expect(await earlier("$25", 20)).toMatchObject({ places: { length: 5 }, whole: false });
		expect(await earlier("$20", 20)).toMatchObject({ places: [], end: true, whole: false });
		await expect(earlier("$3", 5)).rejects.toMatchObject({ reason: "not-found" });
		timeline.unshift(...Array.from({ length: 1_500 }, (_, n) => said(n - 1_500)));
		from += 1_500;
		expect(await earlier("$20", 20)).toMatchObject({ places: [], end: true });
		alwaysOpen = true;
		expect(await earlier("$25", 3)).toMatchObject({ whole: true });
	});

	test("are not shown to a person without a ghost", async () => {
		const stranger = { ...romeo, name: "mallory" };
		await expect(archive.earlier(room, undefined, 5, stranger)).rejects.toMatchObject({
			reason: "not-found",
		});
		expect((await archive.events(room, ["$1" as MessageId], stranger)).size).toBe(0);
	});
});

describe("the events of an archive", () => {
	test("cost two requests, however many they are, and none where they were just read", async () => {
		timeline.push(...Array.from({ length: 60 }, (_, n) => said(n + 30)));
		const ids = timeline.map(({ event_id }) => event_id);
		expect(await lines(...ids.slice(20, 71))).toHaveLength(51);
		expect(asked).toEqual(["context $70", "messages 71"]);
		expect(await lines(...ids.slice(30, 71))).toHaveLength(41);
		await earlier(undefined, 15);
		asked.length = 0;
		expect(await lines(...ids.slice(75))).toHaveLength(15);
		expect(asked).toEqual([]);
	});

	test("are asked for ten at a time where they are far from each other", async () => {
		timeline = Array.from({ length: 2_000 }, (_, n) => said(n));
		const ids = timeline.filter((_, n) => n % 50 === 0).map(({ event_id }) => event_id);
		expect(await lines(...ids)).toHaveLength(40);
		expect([asked.length, most]).toEqual([2 + 38, 10]);
	});

	test("show a deleted message as its place, with who deleted it and why, and no other deleted event", async () => {
		const because = said(90, {
			type: "m.room.redaction",
			sender: "@mod:hs.test",
			content: { reason: "spam" },
		});
		const unsigned = { redacted_because: because } as never;
		timeline[3] = said(3, { content: {}, unsigned });
		timeline[4] = said(4, { type: "m.reaction", content: {}, unsigned });
		expect(await lines("$3", "$4", "$5")).toEqual(["deleted by mod: spam", "alice: message line 5"]);
	});

	test("name the event that deleted a message, as the archive has that event, too", async () => {
		const mark = { from: { network: "xmpp", room: "view", ids: ["S9"] } };
		const content = { "trivium.bridge": mark };
		const because = said(90, { type: "m.room.redaction", sender: "@_xmpp_romeo:hs.test", content });
		timeline[3] = said(3, { content: {}, unsigned: { redacted_because: because } as never });
		const [seen] = (await archive.events(room, ["$3" as MessageId], romeo)).values();
		expect(seen?.what).toMatchObject({
			kind: "deleted",
			deletion: { id: "$90", origin: [{ network: "xmpp", room: "view", id: "S9" }] },
		});
	});

	test("cost a few requests where the reader may see none or some of them, and another ghost may", async () => {
		timeline = Array.from({ length: 120 }, (_, n) => said(n));
		[from, other] = [90, "@_xmpp_juliet:hs.test"];
		const ids = timeline.map(({ event_id }) => event_id);
		expect(await lines(...ids.slice(20, 71))).toEqual([]);
		expect(asked).toEqual(["context $70", "context $70", "messages 71", "messages 71"]);
		asked.length = 0;
		expect(await lines(...ids.slice(60, 111))).toHaveLength(21);
		expect(asked).toEqual(["context $110", "messages 111", "messages 111"]);
	});

	test("leave out those that the reader may not see, and ids of no event", async () => {
		from = 10;
		expect(await lines("$9", "$10", "x".repeat(300), "$nowhere")).toEqual(["alice: message line 10"]);
	});

	test("name the ids of a message on the network where it was written, if a ghost of ours wrote it", async () => {
		const mark = { from: { network: "xmpp", room: "view", ids: ["S1"] } };
		const content = { msgtype: "m.text", body: "hello", "trivium.bridge": mark };
		timeline[1] = said(1, { content });
		timeline[2] = said(2, { content, sender: "@_xmpp_romeo:hs.test" });
		expect(await lines("$1", "$2")).toEqual(["alice: message hello", "_xmpp_romeo: message hello (S1)"]);
	});
});
