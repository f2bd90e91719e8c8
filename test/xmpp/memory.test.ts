import { describe, expect, test } from "vitest";
import type { BoundedMap } from "../../src/core/bounded-map.ts";
import type { LinkId, NetworkName, RoomId } from "../../src/core/ids.ts";
import { createEntityCapabilities } from "../../src/xmpp/direct/entity-capabilities.ts";
import { createMemory } from "../../src/xmpp/direct/memory.ts";
import { beginGap, createBackfill, hold } from "../../src/xmpp/joined/gap.ts";
import { createOwnOccupant } from "../../src/xmpp/joined/own-occupants.ts";
import { createRoom } from "../../src/xmpp/joined/room.ts";
import { handlePresence } from "../../src/xmpp/joined/roster.ts";
import { createArchive } from "../../src/xmpp/muc/archive.ts";
import { stanzaMemory } from "../../src/xmpp/stanza-memory.ts";
import { type Element, received, xml } from "../../src/xmpp/stream/xml.ts";
import { liveHeap } from "../live-heap.ts";

const mebibyte = 1_048_576;
const muc = "verona@muc.test";
const link = {
	id: "l1" as LinkId,
	network: "xmpp" as NetworkName,
	role: "joined",
	room: muc as RoomId,
} as const;
const listeners = () => ({
	own: createOwnOccupant("~listener-1@b.test/x", "Trivium"),
	stated: createOwnOccupant("trivium@b.test/x", "Trivium"),
});
const newRoom = () => createRoom(muc, { ...link, in: true, out: true }, listeners(), 0);

/** Returns a stanza that is small on the wire and large as a tree. */
function bomb(elements: number, id: string): Element {
	const message = received("message", { from: `${muc}/Eve`, type: "groupchat", id });
	for (let n = 0; n < elements; n++) message.append(received("a", {}));
	return message;
}
test("stanzaMemory estimates at least half of the memory that V8 takes for a stanza", () => {
	const before = liveHeap();
	const all = Array.from({ length: 50 }, (_, n) => bomb(10_000, `${n}`));
	const taken = (liveHeap() - before) * mebibyte;
	const estimate = all.reduce((sum, one) => sum + stanzaMemory(one), 0);
	expect(estimate).toBeGreaterThan(taken / 2);
	expect(estimate).toBeLessThan(Math.max(taken * 4, 400 * mebibyte));
});

describe("hold, for live messages during a backfill", () => {
	test.each([
		["with an archive", true],
		["without an archive", false],
	])("keeps at most 8 MiB of stanzas for a MUC %s, and records that it dropped some", (_name, archived) => {
		const gap = beginGap(createBackfill(), undefined, false);
		for (let n = 0; n < 300; n++) {
			hold(gap, bomb(2_000, `${n}`), archived);
			const bytes = gap.held.reduce((sum, { stanza }) => sum + stanzaMemory(stanza), 0);
			expect(bytes).toBeLessThanOrEqual(8 * mebibyte);
			expect(gap.heldBytes).toBe(bytes);
		}
		expect(gap.cut).toBe(true);
		// Without an archive, the newest messages are kept.
		if (!archived) expect(gap.held.at(-1)?.stanza.attrs.id).toBe("299");
	});

	test("drops a single stanza that takes more than the limit", () => {
		const gap = beginGap(createBackfill(), undefined, false);
		hold(gap, bomb(100_000, "1"), false);
		expect([gap.held.length, gap.cut]).toEqual([0, true]);
		hold(gap, bomb(1, "2"), false);
		expect(gap.held).toHaveLength(1);
	});
});

describe("a page of a MUC's archive", () => {
	const result = (queryid: string, id: string, elements: number) =>
		xml(
			"message",
			{ from: muc },
			xml(
				"result",
				{ xmlns: "urn:xmpp:mam:2", queryid, id },
				xml(
					"forwarded",
					{ xmlns: "urn:xmpp:forward:0" },
					xml("delay", { xmlns: "urn:xmpp:delay", stamp: "2026-01-01T00:00:00Z" }),
					bomb(elements, id),
				),
			),
		);
	async function page(elements: number) {
		let answer: (fin: Element) => void = () => undefined;
		const archive = createArchive(
			{ iq: () => new Promise<Element>((resolve) => (answer = resolve)) },
			() => "q",
		);
		const asked = archive.page({ jid: muc, asker: "~listener-1@b.test/x" }, { after: "" });
		for (let n = 0; n < 100; n++) archive.takes(result("q", `${n}`, elements));
		answer(xml("iq", {}, xml("fin", { xmlns: "urn:xmpp:mam:2", complete: "true" })));
		return asked;
	}

	test("keeps at most 8 MiB of stanzas, and the next page begins after the last message kept", async () => {
		const { lines, complete, last } = await page(2_000);
		expect(lines.length).toBeGreaterThan(1);
		expect(lines.length).toBeLessThan(20);
		expect([complete, last]).toEqual([false, `${lines.length - 1}`]);
	});

	test("keeps at least one message, so that a large one does not end the backfill", async () => {
		const { lines, complete } = await page(40_000);
		expect([lines.length, complete]).toEqual([1, false]);
	});

	/** An archive of `count` lines with the ids 0, 1, 2 …, of which each line in `large` takes about 6 MiB. */
	function archiveOfLines(count: number, large: readonly number[]) {
		const ids = Array.from({ length: count }, (_, n) => n);
		const archive = createArchive(
			{
				async iq(request) {
					const query = request.getChild("query");
					const before = query?.getChild("set")?.getChild("before")?.getText();
					const older = before ? ids.slice(0, ids.indexOf(Number(before))) : ids;
					for (const id of older.slice(-100))
						archive.takes(result(query?.attrs.queryid ?? "", `${id}`, large.includes(id) ? 15_000 : 5));
					const complete = `${older.length <= 100}`;
					return xml("iq", {}, xml("fin", { xmlns: "urn:xmpp:mam:2", complete }));
				},
			},
			() => "q",
		);
		return archive;
	}

	test.each([
		["of ordinary size", 150, []],
		["the newest large", 150, [149]],
		["the newest two large", 150, [148, 149]],
		["some large in the middle", 150, [60, 61, 110, 111]],
		["all large", 12, Array.from({ length: 12 }, (_, n) => n)],
	])("is read backwards without a missing line: %s", async (_name, count, large) => {
		const archive = archiveOfLines(count, large);
		const room = () => ({ jid: muc, asker: "~listener-1@b.test/x" });
		const read: string[] = [];
		for await (const { lines } of archive.backwards(room, 50)) {
			expect(lines.reduce((sum, one) => sum + stanzaMemory(one), 0)).toBeLessThan(9 * mebibyte);
			read.unshift(...lines.map((one) => one.getChild("stanza-id")?.attrs.id ?? ""));
		}
		expect(read).toEqual(Array.from({ length: count }, (_, n) => `${n}`));
	});

	test("keeps all messages of ordinary size", async () => {
		const { lines, complete } = await page(5);
		expect([lines.length, complete]).toEqual([100, true]);
	});
});

describe("the roster of a MUC that announces 50,000 occupants", () => {
	test.each([
		["with short nicks", 0, 1_000, 12_000],
		["with long nicks", 1_000, 100, 1_000],
	])("keeps occupants up to 8 MiB: %s", (_name, length, least, most) => {
		const room = newRoom();
		let count = 0;
		const now = { at: 0, unique: () => `${++count}` };
		for (let n = 0; n < 50_000; n++)
			handlePresence(
				room,
				{ nick: `${n}`.padEnd(length, "x"), available: true, codes: new Set() },
				"b.test",
				now,
			);
		expect(room.roster.others.size).toBeGreaterThan(least);
		expect(room.roster.others.size).toBeLessThan(most);
		expect(
			handlePresence(
				room,
				{ nick: "one more".padEnd(length, "x"), available: true, codes: new Set() },
				"b.test",
				now,
			),
		).toEqual([]);
	});
});

test.each([
	["threads of a MUC", () => newRoom().threads, true, 262_144],
	["moderated ids of a MUC", () => newRoom().moderated, true, 262_144],
	["pairs of 1:1 chats", () => createMemory<string>((text) => [text]), "y".repeat(5_000), 4 * mebibyte],
])("the memory of the %s keeps the newest entries up to its bytes", (_name, create, value, most) => {
	const memory = create() as BoundedMap<string, typeof value>;
	for (let n = 0; n < 2_000; n++) memory.set(`${n}`.padEnd(500, "x"), value);
	const kept = Array.from({ length: 2_000 }, (_, n) => memory.has(`${n}`.padEnd(500, "x")));
	const count = kept.filter(Boolean).length;
	const size = 2 * 500 + (typeof value === "string" ? 2 * 5_000 : 0);
	expect(count * size).toBeLessThanOrEqual(most);
	expect(count * size).toBeGreaterThan(most / 2);
	expect(kept.lastIndexOf(false)).toBe(1_999 - count);
});

describe("createEntityCapabilities", () => {
	const ns = "urn:xmpp:reactions:0";
	test("stores only the features that the bridge uses, not all that a client lists", async () => {
		const before = liveHeap();
		const known = createEntityCapabilities(
			async (jid) => new Set([ns, ...Array.from({ length: 1_000 }, (_, n) => `urn:${jid}:feature ${n}`)]),
			[ns],
		);
		for (let n = 0; n < 3_000; n++)
			await known.seen(`eve${n}@evil.example/r`, "alice@b.test", "v".repeat(5_000));
		expect(known.support("eve2999@evil.example", ns)).toBe("native");
		expect(liveHeap() - before).toBeLessThan(12);
	});

	test("forgets the oldest accounts past 4 MiB of JIDs", async () => {
		const known = createEntityCapabilities(async () => new Set([ns]), [ns]);
		const long = "x".repeat(1_000);
		for (let n = 0; n < 3_000; n++) await known.seen(`${long}${n}@evil.example/${long}`, "alice@b.test");
		expect(known.support(`${long}0@evil.example`, ns)).toBe("mixed");
		expect(known.support(`${long}2999@evil.example`, ns)).toBe("native");
	});
});
