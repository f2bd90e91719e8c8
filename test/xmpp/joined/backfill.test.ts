import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import type { BridgeEvent } from "../../../src/core/event.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import type { MucFaults } from "../fake-muc.ts";
import { alice, failure, link, room, type World, wireId, withhold, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

const words = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}`);
const romeo = (from: number, to: number) => words(from, to).map((n) => `Romeo: ${n}`);

/** Romeo says these lines, 1.5 seconds apart. */
async function says(w: World, from: number, to: number) {
	for (const n of words(from, to)) {
		w.muc.say("Romeo", n, `id ${n}`);
		await vi.advanceTimersByTimeAsync(1_500);
	}
}
async function linked(faults: MucFaults = {}) {
	const w = world(faults);
	w.muc.come("Romeo");
	await says(w, -3, 0);
	await w.attach(alice);
	w.rooms.online();
	await w.settle();
	return w;
}
async function restart(w: World) {
	void w.rooms.attach(link, [alice]);
	w.rooms.online();
	await w.pass(15_000);
}
async function back(w: World) {
	w.server.online = true;
	w.rooms.online();
	await w.pass(15_000);
}
function away(w: World) {
	w.server.online = false;
	w.rooms.offline("gone");
}

describe.each([
	["an archive", {}],
	["an archive that answers in small pages", { pageSize: 3 }],
	["no archive", { noArchive: true }],
	["no archive and no ids", { noArchive: true, noStanzaIds: true, noOccupantIds: true }],
	["an archive that is not for us", { refuseArchive: ["auth", "forbidden"] }],
] as [string, MucFaults][])("in a room with %s", (_, faults) => {
	test("lines from before the first join are not handed on", async () => {
		const w = await linked(faults);
		await says(w, 1, 2);
		await w.settle();
		expect(w.lines()).toEqual(romeo(1, 2));
	});

	test("lines said between the making of the portal and the first join are handed on", async () => {
		const w = world(faults);
		w.muc.come("Romeo");
		await says(w, -3, 0);
		w.server.up = false;
		const late = failure(w.rooms.attach(link, [alice]));
		await w.pass(1_500);
		await says(w, 1, 3);
		w.crash();
		await says(w, 4, 5);
		w.server.up = true;
		await restart(w);
		await says(w, 6, 7);
		await w.settle();
		expect(w.lines()).toEqual(romeo(1, 7));
		await w.pass(30_000);
		expect(await late).toBeInstanceOf(TemporaryError);
	});

	test("lines since the making of the portal are handed on where the stream comes up later", async () => {
		const w = world(faults);
		w.muc.come("Romeo");
		for (const run of [0, 3]) {
			w.server.online = false;
			await w.attach(alice);
			await says(w, run + 1, run + 2);
			w.server.online = true;
			w.rooms.online();
			await w.pass(15_000);
			await says(w, run + 3, run + 3);
			await w.settle();
			expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
			w.crash();
		}
		expect(w.lines()).toEqual(romeo(1, 6));
	});

	test("lines said while the stream is down are handed on once, in order, with their time", async () => {
		const w = await linked(faults);
		await says(w, 1, 3);
		await w.settle();
		away(w);
		const gone = Date.now();
		await says(w, 4, 13);
		await back(w);
		await says(w, 14, 15);
		await w.settle();
		expect(w.lines()).toEqual(romeo(1, 15));
		const times = w.told.flatMap((event) => (event.kind === "message" ? [event.at] : []));
		expect(times.slice(3, 13)).toEqual(Array.from({ length: 10 }, (_, n) => gone + n * 1_500));
		expect(w.told.filter((event) => event.kind !== "message")).toEqual([]);
	});

	test("each of two outages is backfilled from the last line that came live", async () => {
		const w = await linked(faults);
		for (const run of [0, 10]) {
			await says(w, run + 1, run + 3);
			await w.settle();
			const gone = Date.now();
			away(w);
			await says(w, run + 4, run + 6);
			await back(w);
			await w.settle();
			const missed = w.told.slice(-3) as readonly (BridgeEvent & { since?: number })[];
			expect(missed).toHaveLength(3);
			for (const { since = 0 } of missed) {
				expect(since).toBeLessThanOrEqual(gone);
				expect(since).toBeGreaterThanOrEqual(gone - 1_500);
			}
			await says(w, run + 7, run + 7);
			await w.settle();
			expect(w.told.at(-1)).not.toHaveProperty("since");
		}
	});

	test("a killed bridge reads after its restart all lines that were not on disk, and none twice", async () => {
		const w = await linked(faults);
		await says(w, 1, 3);
		await w.settle();
		// The listener got these, but they never reached the disk.
		w.disk.broken = true;
		await says(w, 4, 5);
		await w.settle();
		w.crash();
		await says(w, 6, 9);
		w.disk.broken = false;
		await restart(w);
		await says(w, 10, 11);
		await w.settle();
		expect(w.lines()).toEqual(romeo(1, 11));
	});

	test("our own lines in a backfill are handed on to nobody, and confirm the sends in doubt", async () => {
		const w = await linked(faults);
		await says(w, 1, 1);
		await w.done(w.say("hi", alice, 0, "op1"));
		// The MUC takes the line, and its reflection is lost.
		const unheard = failure(w.say("in doubt", alice, 0, "op2"));
		await vi.advanceTimersByTimeAsync(0);
		w.crash();
		expect(await unheard).toBeInstanceOf(TemporaryError);
		await says(w, 2, 3);
		void w.rooms.attach(link, [alice]);
		const again = w.say("in doubt", alice, 1, "op2");
		const never = w.say("never sent", alice, 1, "op3");
		await w.pass(15_000);
		await Promise.all([again, never]);
		await w.settle();
		expect(w.bodies()).toEqual(["alice: hi", "alice: in doubt", "alice: never sent"]);
		expect(w.lines()).toEqual(romeo(1, 3));
	});

	test("a line that makes the translator fail is left out, and blocks no line behind it", async () => {
		const w = await linked(faults);
		w.load.fault = "2";
		await says(w, 1, 3);
		await w.settle();
		away(w);
		w.load.fault = "5";
		await says(w, 4, 6);
		await back(w);
		await says(w, 7, 8);
		await w.settle();
		const heard = [1, 3, 4, 6, 7, 8].map((n) => `Romeo: ${n}`);
		expect(w.lines().filter((line) => line !== "Romeo: 2")).toEqual(heard);
		expect(w.answers).toEqual([]);
	});

	test("a line that repeats a stanza id of ours counts as its sender's, also in a backfill", async () => {
		const w = await linked(faults);
		await w.done(w.say("hi", alice, 0, "op1"));
		away(w);
		w.muc.say("Romeo", "1", wireId("op1"));
		await back(w);
		expect(w.lines()).toEqual(romeo(1, 1));
	});

	test("lines that come in while the bridge stops are read after its start", async () => {
		const w = await linked(faults);
		await says(w, 1, 2);
		await w.settle();
		w.disk.broken = true;
		await says(w, 3, 4);
		await w.settle();
		await w.done(w.rooms.leaveAll());
		w.crash();
		w.disk.broken = false;
		await restart(w);
		expect(w.lines()).toEqual(romeo(1, 4));
	});

	test("a sender of backfilled lines who has left gets a leave", async () => {
		const w = await linked(faults);
		away(w);
		w.muc.come("Paris");
		w.muc.say("Paris", "farewell", "p1");
		w.muc.go("Paris");
		await back(w);
		expect(w.told.map((event) => `${event.kind} ${event.sender.name}`)).toEqual([
			"message Paris",
			"membership Paris",
		]);
	});
});

describe("a MUC without an archive that kept our old occupant and is slow to answer the join", () => {
	/** The lines `meanwhile` are said before the MUC answers the join; with `again`, only a second join is answered. */
	async function comingIn(meanwhile: readonly string[], again = false) {
		const faults: MucFaults = { noArchive: true };
		const w = await linked(faults);
		await says(w, 1, 2);
		await w.settle();
		w.crash();
		await says(w, 3, 5);
		w.crash();
		faults.mute = true;
		void failure(w.rooms.attach(link, [alice]));
		w.rooms.online();
		await w.settle();
		for (const n of meanwhile) w.muc.say("Romeo", n, `id ${n}`);
		await w.settle();
		expect(w.lines()).toEqual(romeo(1, 2));
		// The MUC never answers the first join.
		if (again) await w.pass(59_000);
		faults.mute = false;
		if (!again) w.muc.take(w.muc.taken.findLast((stanza) => stanza.name === "presence") as Element);
		await w.pass(again ? 5_000 : 1_000);
		return w.lines();
	}

	const missing = expect.stringMatching(/may be missing/);

	test("keeps the place of held lines that its history tells again", async () => {
		expect(await comingIn(words(6, 8))).toEqual(romeo(1, 8));
		expect(await comingIn(words(6, 50))).toEqual([...romeo(1, 2), missing, ...romeo(6, 50)]);
	});

	test("loses no held line when the join is repeated", async () => {
		expect(await comingIn(words(6, 50), true)).toEqual([...romeo(1, 2), missing, ...romeo(6, 50)]);
	});

	test("has the newest 2,000 lines of a flood kept, and a notice that some may be missing", async () => {
		expect(await comingIn(words(6, 5_000))).toEqual([...romeo(1, 2), missing, ...romeo(3_001, 5_000)]);
	});
});

describe("the backfill from an archive", () => {
	test("hands on live lines behind the missed ones", async () => {
		const w = await linked({ pageSize: 2 });
		await says(w, 1, 1);
		await w.settle();
		away(w);
		await says(w, 2, 9);
		let turns = 0;
		const query = w.muc.query;
		w.server.onQuery = (request) => {
			const answer = query(request);
			w.muc.say("Romeo", `${10 + turns++}`);
			return answer;
		};
		await back(w);
		expect(turns).toBeGreaterThan(4);
		expect(w.lines()).toEqual(romeo(1, 9 + turns));
	});

	test("holds no more of a flood than fits, and loses none of it", async () => {
		const w = await linked();
		away(w);
		await says(w, 1, 1);
		let flooded = false;
		const query = w.muc.query;
		w.server.onQuery = (request) => {
			const answer = query(request);
			if (!flooded) for (const n of words(2, 3_000)) w.muc.say("Romeo", n);
			flooded = true;
			return answer;
		};
		await back(w);
		expect(w.lines()).toEqual(romeo(1, 3_000));
		expect(w.load.pages, "it was asked for, not held").toBeGreaterThanOrEqual(30);
	});

	test("keeps one page at a time in memory, however slow the journal is", async () => {
		const w = await linked({ pageSize: 2 });
		away(w);
		await says(w, 1, 9);
		const before = w.load.pages;
		const pages: number[] = [];
		let taken: () => void = () => undefined;
		w.load.settled = () =>
			new Promise((resolve) => {
				taken = resolve;
			});
		await back(w);
		for (let n = 0; n < 4; n++) {
			pages.push(w.load.pages - before);
			taken();
			await w.settle();
		}
		expect(pages).toEqual([0, 1, 2, 3]);
		w.load.settled = async () => undefined;
		taken();
		await w.pass(1_000);
		expect(w.lines()).toEqual(romeo(1, 9));
	});

	test("reads a flood that the journal has no place for from the archive later", async () => {
		const w = await linked();
		await says(w, 1, 1);
		await w.settle();
		w.load.crowded = true;
		for (const n of words(2, 500)) w.muc.say("Romeo", n);
		await w.settle();
		w.load.crowded = false;
		await w.pass(1_000);
		await says(w, 501, 502);
		await w.settle();
		expect(w.lines()).toEqual(romeo(1, 502));
		expect(w.load.pages).toBeGreaterThan(3);
	});

	test("finds a line of ours in doubt that stands before the read position", async () => {
		const w = await linked();
		await w.done(w.say("hi", alice, 0, "op1"));
		await says(w, 1, 1);
		await w.settle();
		w.crash();
		void w.rooms.attach(link, [alice]);
		const again = w.say("hi", alice, 1, "op1");
		await w.pass(15_000);
		await again;
		expect(w.bodies()).toEqual(["alice: hi"]);
	});

	test("waits for a line that a killed bridge left on its way to the MUC", async () => {
		const w = await linked();
		await w.done(w.say("hi", alice, 0, "op1"));
		const { take } = w.muc;
		const late: Parameters<typeof take>[0][] = [];
		w.muc.take = (stanza) => void (stanza.getChild("body") ? late.push(stanza) : take(stanza));
		const unheard = failure(w.say("in doubt", alice, 0, "op2"));
		await vi.advanceTimersByTimeAsync(0);
		w.crash();
		await unheard;
		w.muc.take = take;
		void w.rooms.attach(link, [alice]);
		const again = w.say("in doubt", alice, 1, "op2");
		await w.pass(1_000);
		for (const stanza of late) take(stanza);
		await w.pass(15_000);
		await again;
		expect(late).toHaveLength(1);
		expect(w.bodies()).toEqual(["alice: hi", "alice: in doubt"]);
	});

	test("asks an archive that has expired the last line by time", async () => {
		const w = await linked();
		await says(w, 1, 3);
		await w.settle();
		away(w);
		await says(w, 4, 6);
		// The archive keeps so many lines.
		w.muc.archive.splice(0, w.muc.archive.length - 2);
		await back(w);
		expect(w.lines()).toEqual([...romeo(1, 3), expect.stringMatching(/may be missing/), ...romeo(5, 6)]);
	});

	test("reads an archive that was empty at the first join from its beginning", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach();
		away(w);
		await says(w, 1, 2);
		await back(w);
		expect(w.lines()).toEqual(romeo(1, 2));
	});

	test("asks an archive that does not answer again, and lets no line overtake", async () => {
		const w = await linked();
		await says(w, 1, 1);
		await w.settle();
		away(w);
		await says(w, 2, 3);
		let failures = 3;
		const query = w.muc.query;
		w.server.onQuery = (request) => {
			if (failures-- > 0) throw new TemporaryError("no answer");
			return query(request);
		};
		w.server.online = true;
		w.rooms.online();
		await w.settle();
		await says(w, 4, 5);
		await w.settle();
		expect(w.lines()).toEqual(romeo(1, 1));
		await w.pass(60_000);
		expect(w.lines()).toEqual(romeo(1, 5));
	});

	test("asks an archive that fails with internal errors until it answers", async () => {
		const w = await linked();
		away(w);
		await says(w, 1, 30);
		let failures = 3;
		const query = w.muc.query;
		w.server.onQuery = (request) => {
			if (failures-- > 0) throw new StanzaError("internal-server-error", "cancel");
			return query(request);
		};
		await back(w);
		await says(w, 31, 32);
		await w.pass(15_000);
		expect(w.lines()).toEqual(romeo(1, 32));
	});

	test("falls back to the MUC's history after ten internal errors of the archive", async () => {
		const w = await linked();
		away(w);
		await says(w, 1, 2);
		w.server.onQuery = () => {
			throw new StanzaError("internal-server-error", "cancel");
		};
		await back(w);
		expect(w.lines()).toEqual([]);
		await w.pass(30 * 60_000);
		await says(w, 3, 4);
		await w.settle();
		expect(w.lines()).toEqual(romeo(1, 4));
	});

	test("sends a line in doubt again only after ten internal errors of the archive", async () => {
		const w = await linked();
		await w.done(w.say("hi", alice, 0, "op1"));
		await says(w, 1, 1);
		await w.settle();
		w.crash();
		await restart(w);
		w.server.onQuery = () => {
			throw new StanzaError("internal-server-error", "cancel");
		};
		for (const attempt of [1, 9]) {
			const again = failure(w.say("hi", alice, attempt, "op1"));
			await w.pass(5_000);
			expect(await again).toBeInstanceOf(TemporaryError);
		}
		expect(w.bodies()).toEqual(["alice: hi"]);
		const last = w.say("hi", alice, 10, "op1");
		await w.pass(5_000);
		await last;
		expect(w.bodies()).toEqual(["alice: hi", "alice: hi"]);
	});

	test("drops archive results that nobody asked for", async () => {
		const w = await linked();
		const [listener = ""] = [...w.muc.occupants.values()].flatMap((one) => one.jid ?? []);
		const message = xml(
			"message",
			{ xmlns: "jabber:client", type: "groupchat", from: `${room}/Romeo` },
			xml("body", {}, "forged"),
		);
		const stamp = xml("delay", { xmlns: "urn:xmpp:delay", stamp: "2023-11-14T00:00:00Z" });
		const forwarded = xml("forwarded", { xmlns: "urn:xmpp:forward:0" }, stamp, message);
		for (const from of [room, `${room}/Romeo`])
			w.muc.emit(
				xml(
					"message",
					{ from, to: listener },
					xml("result", { xmlns: "urn:xmpp:mam:2", id: "x", queryid: "u0" }, forwarded),
				),
			);
		await w.settle();
		expect([w.lines(), w.answers]).toEqual([[], []]);
	});
});

test("a backfill from a history that is too short puts a notice of the gap", async () => {
	const w = await linked({ noArchive: true, history: 5 });
	await says(w, 1, 3);
	await w.settle();
	away(w);
	await says(w, 4, 15);
	await back(w);
	expect(w.lines()).toEqual([...romeo(1, 3), ...romeo(11, 15), expect.stringMatching(/may be missing/)]);
	away(w);
	await says(w, 16, 18);
	await back(w);
	expect(w.lines().slice(9), "and no more than that").toEqual(romeo(16, 18));
});

test("the listener joins again when it is lost while our people rejoin", async () => {
	const w = await linked();
	away(w);
	w.muc.forget();
	w.muc.come("Romeo");
	w.server.online = true;
	const enter = w.muc.take;
	w.muc.take = (stanza) => {
		// Alice's join gets no answer, so the run that rejoins is still under way.
		if (!stanza.attrs.to?.endsWith("/Alice")) enter(stanza);
	};
	w.rooms.online();
	await w.pass(1_000);
	w.muc.kick("Trivium", ["332"]);
	await says(w, 1, 2);
	await w.pass(30_000);
	expect([...w.muc.occupants.keys()]).toContain("Trivium");
	expect(w.lines()).toEqual(romeo(1, 2));
});

test("lines said while the MUC puts out one of us as the other rejoins come from the history", async () => {
	const w = await linked({ noArchive: true });
	await says(w, 1, 1);
	await w.settle();
	const release = withhold(w);
	// Alice is the active listener now, so the listener's join asks for no history.
	w.muc.kick("Trivium", ["333"]);
	await w.settle();
	w.muc.kick("Alice", ["333"]);
	await w.settle();
	await says(w, 2, 3);
	await release();
	await w.pass(15_000);
	await says(w, 4, 4);
	await w.settle();
	expect(w.lines()).toEqual(romeo(1, 4));
	expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
});

test("a ghost that was put out unnoticed with the listener does not take over", async () => {
	const w = await linked();
	await says(w, 1, 1);
	await w.settle();
	w.muc.occupants.delete("Alice");
	const release = withhold(w);
	w.muc.kick("Trivium", ["333"]);
	await w.settle();
	await says(w, 2, 3);
	await release();
	await w.pass(15_000);
	await says(w, 4, 4);
	await w.settle();
	expect(w.lines()).toEqual(romeo(1, 4));
});

test("a ghost that the MUC forgot with the listener does not take over when that is put out again", async () => {
	const w = await linked();
	await says(w, 1, 1);
	await w.settle();
	w.muc.forget();
	const { query } = w.muc;
	w.server.onQuery = (request) => {
		w.server.onQuery = undefined;
		const answer = query(request);
		w.muc.kick("Trivium", ["333"]);
		return answer;
	};
	const release = withhold(w, () => !w.server.onQuery);
	// The listener self-pings after two minutes of silence.
	await w.pass(151_000);
	expect(w.server.onQuery).toBeUndefined();
	await says(w, 2, 3);
	await release();
	await w.pass(15_000);
	await says(w, 4, 4);
	await w.settle();
	expect(w.lines()).toEqual(romeo(1, 4));
});

test.each([
	["an archive", {}],
	["none", { noArchive: true }],
])(
	"an occupant that is put out during its join, for bounces of an earlier run, joins again (a MUC with %s)",
	async (_, faults) => {
		const w = await linked(faults);
		await says(w, 1, 1);
		await w.settle();
		w.crash();
		const gone = Date.now();
		await says(w, 2, 3);
		const enter = w.muc.take;
		let late = true;
		w.muc.take = (stanza) => {
			if (!late) return enter(stanza);
			late = false;
			w.muc.kick("Trivium", ["333"]);
			setTimeout(() => enter(stanza), 600);
		};
		await restart(w);
		await says(w, 4, 5);
		await w.pass(5_000);
		expect(w.lines()).toEqual(romeo(1, 5));
		const times = w.told.flatMap((event) => (event.kind === "message" ? [event.at] : []));
		expect(times.slice(1, 3)).toEqual([gone, gone + 1_500]);
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
	},
);

test("the backfill waits for a history that comes slowly", async () => {
	const faults: MucFaults = { noArchive: true };
	const w = await linked(faults);
	await says(w, 1, 2);
	await w.settle();
	away(w);
	w.muc.forget();
	w.muc.come("Romeo");
	await says(w, 3, 5);
	faults.slow = 8_000;
	w.server.online = true;
	w.rooms.online();
	await w.pass(4_000);
	expect(w.lines()).toEqual(romeo(1, 2));
	await w.pass(6_000);
	await says(w, 6, 7);
	await w.settle();
	expect(w.lines()).toEqual(romeo(1, 7));
});

test("the backfill waits no longer than ten seconds for a history without an end", async () => {
	const faults: MucFaults = { noArchive: true };
	const w = await linked(faults);
	away(w);
	w.muc.forget();
	faults.slow = 3_600_000;
	w.load.resumed = 0;
	w.server.online = true;
	w.rooms.online();
	await w.pass(9_500);
	expect(w.load.resumed).toBe(0);
	await w.pass(1_000);
	expect(w.load.resumed).toBe(1);
	w.muc.come("Romeo");
	await says(w, 1, 2);
	await w.settle();
	expect(w.lines()).toEqual(romeo(1, 2));
});

test("a MUC that begins to archive is read by its archive from there on", async () => {
	const w = await linked({ noArchive: true, history: 0 });
	await says(w, 1, 1);
	await w.settle();
	w.muc.faults.noArchive = false;
	const [listener = ""] = [...w.muc.occupants.values()].flatMap((one) => one.jid ?? []);
	const status = xml("x", { xmlns: "http://jabber.org/protocol/muc#user" }, xml("status", { code: "170" }));
	w.muc.emit(xml("message", { type: "groupchat", from: room, to: listener }, status));
	await w.settle();
	away(w);
	await says(w, 2, 30);
	await back(w);
	const [first = "", ...later] = romeo(1, 30);
	const change = "Verona: The settings of the XMPP room verona@muc.test have changed: it keeps an archive.";
	expect(w.lines()).toEqual([first, change, ...later]);
});

test("the time of the read position moves on in a silent MUC without an archive", async () => {
	const w = await linked({ noArchive: true });
	await says(w, 1, 1);
	await w.settle();
	for (let minute = 0; minute < 60; minute++) await w.pass(60_000);
	const [value = ""] = [...w.disk.cursors.values()];
	expect(Date.now() - JSON.parse(value).at).toBeLessThan(20 * 60_000);
	w.crash();
	// The dedupe keys of old lines are forgotten.
	w.disk.keys.clear();
	await restart(w);
	expect(w.lines()).toEqual(romeo(1, 1));
});

describe("in a room without ids, where a client counts its own and says the same again", () => {
	const faults = { noArchive: true, noStanzaIds: true, noOccupantIds: true };
	const oks = (w: World) => w.lines().filter((line) => line === "Romeo: ok").length;

	test("a line counts as a repeat for a minute, and is shown from then on", async () => {
		const w = await linked(faults);
		w.muc.say("Romeo", "ok", "1");
		await w.pass(59_000);
		w.muc.say("Romeo", "ok", "1");
		await w.settle();
		expect(oks(w)).toBe(1);
		await w.pass(2_000);
		w.muc.say("Romeo", "ok", "1");
		await w.settle();
		expect(oks(w)).toBe(2);
	});

	test("a line of the history counts as a repeat if it was said within five minutes of an equal one", async () => {
		const w = await linked(faults);
		w.muc.say("Romeo", "ok", "1");
		await w.settle();
		w.crash();
		await w.pass(5 * 60_000);
		await restart(w);
		expect(oks(w)).toBe(1);
		w.crash();
		await w.pass(60_000);
		w.muc.say("Romeo", "ok", "1");
		await restart(w);
		expect(oks(w)).toBe(2);
	});
});
