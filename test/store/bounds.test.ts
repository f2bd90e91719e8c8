import { DatabaseSync } from "node:sqlite";
import { expect, test, vi } from "vitest";
import type { MessageId } from "../../src/core/ids.ts";

vi.mock("../../src/store/bounds.ts", async (original) => {
	const real = await original<typeof import("../../src/store/bounds.ts")>();
	const { copies, dead } = real.bounds;
	const few = {
		copies: { ...copies, count: 3 },
		dead: { ...dead, count: 3 },
		places: { room: 4, all: 7 },
	};
	return { ...real, bounds: { ...real.bounds, ...few } };
});
vi.mock("../../src/core/dedupe.ts", async (original) => {
	const real = await original<typeof import("../../src/core/dedupe.ts")>();
	return { ...real, keyKinds: { ...real.keyKinds, value: { ...real.keyKinds.value, most: 3 } } };
});
const { createMemoryJournal } = await import("../../src/store/memory.ts");
const { prepareFile } = await import("../../src/store/sqlite-schema.ts");
const { journalTables } = await import("../../src/store/sqlite-tables.ts");

const { bounds, shareOf } = await import("../../src/store/bounds.ts");

const lane = { portal: "p", link: "l" };

test("the SQLite journal keeps the latest dead letters past the limit", () => {
	const db = new DatabaseSync(":memory:");
	prepareFile(db);
	const { calls } = journalTables(db);
	for (let n = 1; n <= 5; n++) {
		const row = [`op${n}`, "t", lane.portal, lane.link, "net", "room", `id${n}`, "{}", 0, null] as const;
		const [seq = 0] = calls.accept([{ key: `k${n}`, rows: [row] }], n);
		calls.refuse(seq, "no", n);
	}
	calls.prune(10);
	expect(calls.dead(10).map(({ operation }) => operation)).toEqual(["op5", "op4", "op3"]);
	calls.prune(11);
	expect(calls.dead(10)).toHaveLength(3);
});

test("the SQLite journal keeps the latest copies past the limit", () => {
	const db = new DatabaseSync(":memory:");
	prepareFile(db);
	const { calls } = journalTables(db);
	const [here, there] = [
		["net", "room"],
		["other", "far"],
	] as const;
	for (let n = 1; n <= 5; n++) {
		const row = [`op${n}`, "t", lane.portal, lane.link, ...here, `id${n}`, "{}", 0, null] as const;
		const [seq = 0] = calls.accept([{ key: `k${n}`, rows: [row] }], n);
		calls.done(seq, here, `id${n}`, false, there, [`copy${n}`], n);
	}
	calls.prune(10);
	const known = [1, 2, 3, 4, 5].filter((n) => calls.copies(here, `id${n}`).length > 0);
	expect(known).toEqual([3, 4, 5]);
});

test("the journal in memory keeps the latest dead letters past the limit", async () => {
	const journal = createMemoryJournal();
	const event = { kind: "message", id: "id", room: "room", sender: { network: "net" } };
	for (let n = 1; n <= 5; n++) {
		const row = { operation: `op${n}`, trace: "t", lane, event };
		const [queued] = await journal.accept([{ key: `k${n}`, rows: [row as never] }]);
		if (queued) await journal.refuse(queued, "no");
	}
	await journal.prune(Date.now());
	expect((await journal.dead(10)).map(({ operation }) => operation)).toEqual(["op5", "op4", "op3"]);
});

const value = (thing: number, standing = false) => {
	const subject = `value room thing-${thing} `;
	return { key: `${thing} ${Math.random()}`, rows: [], value: { subject, key: `${subject}on`, standing } };
};

test("the SQLite journal keeps the last values of the things that changed last", () => {
	const db = new DatabaseSync(":memory:");
	prepareFile(db);
	const { calls } = journalTables(db);
	const known = () =>
		db
			.prepare("SELECT key FROM keys WHERE key LIKE 'value %' ORDER BY key")
			.all()
			.map(({ key }) => key);
	calls.accept(
		[1, 2, 3, 4, 1].map((thing) => value(thing)),
		1,
	);
	calls.prune(10);
	expect(known()).toEqual([1, 3, 4].map((thing) => `value room thing-${thing} on`));
});

test("the journal in memory keeps the last values of the things that changed last", async () => {
	const journal = createMemoryJournal();
	const row = { operation: "o", trace: "t", lane, event: { sender: {} } } as never;
	const shown = async (thing: number) =>
		(await journal.accept([{ ...value(thing, true), rows: [row] }])).length > 0;
	await journal.accept([1, 2, 3, 4, 1].map((thing) => value(thing)));
	await journal.prune(Date.now());
	expect([await shown(1), await shown(3), await shown(4), await shown(2)]).toEqual([
		false,
		false,
		false,
		true,
	]);
});

test.each([
	[[], 4],
	[[9, 1], 4],
	[[4, 3], 4],
	[[4, 4], 3],
	[[9, 1, 9], 3],
	[[1, 1, 1, 1, 1, 1, 1, 1, 1], 0],
])("of archives with %j places each may keep %i, so that all keep 7 at most", (counts, most) => {
	expect(shareOf(counts, bounds.places)).toBe(most);
});

test("the SQLite journal keeps the latest places of an archive past the limit, and reads the others again", () => {
	const db = new DatabaseSync(":memory:");
	prepareFile(db);
	const { calls } = journalTables(db);
	const [long, short] = [
		["net", "long"],
		["net", "short"],
	] as const;
	calls.prependPlaces(
		long,
		[1, 2, 3, 4, 5, 6].map((n) => ({ id: `id${n}`, at: n })),
		undefined,
		true,
	);
	calls.prependPlaces(short, [{ id: "only", at: 1 }], undefined, true);
	calls.prune(10);
	const left = (of: typeof long | typeof short) => calls.matchPlaces(of, { limit: 10 });
	expect(left(long)).toMatchObject({ total: 4, first: { id: "id3" }, begun: false });
	expect(left(short)).toMatchObject({ total: 1, begun: true });
	calls.appendPlaces(long, [{ id: "id7", at: 7 }]);
	expect(left(long).places.map(({ id }) => id)).toEqual(["id3", "id4", "id5", "id6", "id7"]);
});

test("the journal in memory keeps the latest places of an archive past the limit", async () => {
	const { places, prune } = createMemoryJournal();
	const of = ["net", "room"] as unknown as Parameters<typeof places.find>;
	const six = [1, 2, 3, 4, 5, 6].map((n) => ({ id: `id${n}` as MessageId, at: n }));
	await places.prepend(of[0], of[1], six, undefined, true);
	await prune(10);
	expect(await places.match(of[0], of[1], { limit: 1 })).toMatchObject({ total: 4, begun: false });
});
