import { DatabaseSync } from "node:sqlite";
import { expect, test, vi } from "vitest";

vi.mock("../../src/store/bounds.ts", async (original) => {
	const real = await original<typeof import("../../src/store/bounds.ts")>();
	const { copies, dead } = real.bounds;
	const few = { copies: { ...copies, count: 3 }, dead: { ...dead, count: 3 } };
	return { ...real, bounds: { ...real.bounds, ...few } };
});
vi.mock("../../src/core/dedupe.ts", async (original) => {
	const real = await original<typeof import("../../src/core/dedupe.ts")>();
	return { ...real, keyKinds: { ...real.keyKinds, value: { ...real.keyKinds.value, most: 3 } } };
});
const { createMemoryJournal } = await import("../../src/store/memory.ts");
const { prepareFile } = await import("../../src/store/sqlite-schema.ts");
const { journalTables } = await import("../../src/store/sqlite-tables.ts");

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
