import { DatabaseSync } from "node:sqlite";
import { expect, test, vi } from "vitest";

vi.mock("../../src/store/bounds.ts", async (original) => {
	const real = await original<typeof import("../../src/store/bounds.ts")>();
	const { copies, dead } = real.bounds;
	const few = { copies: { ...copies, count: 3 }, dead: { ...dead, count: 3 } };
	return { ...real, bounds: { ...real.bounds, ...few } };
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
