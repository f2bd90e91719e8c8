import fc from "fast-check";
import { expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { LinkId, OperationId, PortalId, TraceId } from "../../src/core/ids.ts";
import type { Lane, Row } from "../../src/core/journal.ts";
import { lanes } from "../../src/core/lanes.ts";
import { memoryJournal } from "../../src/store/memory.ts";
import { quiet } from "../fakes.ts";

const lane = (name: string): Lane => ({ portal: name as PortalId, link: "out" as LinkId });
const event = { kind: "message", room: "r", sender: { network: "n" } } as BridgeEvent;
let count = 0;
const entry = (to: string) => {
	const operation = `op-${++count}` as OperationId;
	return { key: operation, rows: [{ operation, trace: "t" as TraceId, lane: lane(to), event }] };
};
const nextTick = () => new Promise((resolve) => setTimeout(resolve, 1));

/** A journal, lanes over it, and a wire that does as it is told. */
function setup(window: number, send: (row: Row) => Promise<void>) {
	const journal = memoryJournal();
	const wire: number[] = [];
	const run = lanes(
		journal,
		{
			window: () => window,
			alone: () => false,
			prepare: async (row) => async () => {
				await send(row);
				wire.push(row.seq);
				await journal.done(row, { network: "n" as never, room: "r" as never }, []);
			},
			fail: async (_row, error) => {
				throw error;
			},
			retried: () => undefined,
		},
		quiet,
	);
	return { journal, wire, run };
}

test("a lane keeps order whatever fails, and other lanes do not wait for it", async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(fc.nat(2), { maxLength: 30 }), async (failures) => {
			const left = new Map<number, number>();
			const { journal, wire, run } = setup(1, async (row) => {
				const more = left.get(row.seq) ?? failures[row.seq % Math.max(1, failures.length)] ?? 0;
				left.set(row.seq, more - 1);
				if (more > 0) throw new TemporaryError("again");
			});
			await run.start();
			const rows = await journal.accept(failures.map((_, index) => entry(index % 2 ? "odd" : "even")));
			run.push(rows);
			for (let i = 0; i < 500 && wire.length < rows.length; i++) {
				run.resume(() => true);
				await nextTick();
			}
			await run.stop(1_000);
			const inLane = (name: string) => rows.filter((row) => row.lane.portal === name).map((row) => row.seq);
			for (const name of ["even", "odd"])
				expect(wire.filter((seq) => inLane(name).includes(seq))).toEqual(inLane(name));
		}),
		{ numRuns: 20 },
	);
});

test("a lane that is stuck does not delay another", async () => {
	const { journal, wire, run } = setup(1, (row) =>
		row.lane.portal === "stuck" ? new Promise(() => undefined) : Promise.resolve(),
	);
	await run.start();
	const rows = await journal.accept([entry("stuck"), entry("free"), entry("free")]);
	run.push(rows);
	await nextTick();
	await nextTick();
	expect(wire).toEqual(rows.slice(1).map((row) => row.seq));
	await run.stop(10);
});

test("a backlog longer than memory comes out complete and in order, with rows that arrive meanwhile", async () => {
	const { journal, wire, run } = setup(5, nextTick as () => Promise<void>);
	await run.start();
	const first = await journal.accept(Array.from({ length: 700 }, () => entry("long")));
	run.push(first);
	const second = await journal.accept(Array.from({ length: 300 }, () => entry("long")));
	run.push(second);
	for (let i = 0; i < 3_000 && wire.length < 1_000; i++) await nextTick();
	expect(wire).toEqual([...first, ...second].map((row) => row.seq));
	await run.stop(100);
});

test("rows left by an earlier run go out before new ones", async () => {
	const { journal, wire, run } = setup(1, async () => undefined);
	const old = await journal.accept([entry("a"), entry("a")]);
	await run.start();
	const fresh = await journal.accept([entry("a")]);
	run.push(fresh);
	for (let i = 0; i < 200 && wire.length < 3; i++) await nextTick();
	expect(wire).toEqual([...old, ...fresh].map((row) => row.seq));
	await run.stop(100);
});

test("rows left by an earlier run go out before those that came in while it was starting", async () => {
	const { journal, wire, run } = setup(1, async () => undefined);
	const old = await journal.accept([entry("a"), entry("a")]);
	const early = await journal.accept([entry("a"), entry("b")]);
	run.push(early);
	await nextTick();
	expect(wire).toEqual([]);
	const begun = run.start();
	const late = await journal.accept([entry("a")]);
	run.push(late);
	await begun;
	for (let i = 0; i < 200 && wire.length < 5; i++) await nextTick();
	const inA = [...old, ...early.slice(0, 1), ...late].map((row) => row.seq);
	expect(wire.filter((seq) => seq !== early[1]?.seq)).toEqual(inA);
	expect(wire).toHaveLength(5);
	await run.stop(100);
});

test("what a stop leaves undone is still in the journal", async () => {
	const { journal, run } = setup(1, () => new Promise(() => undefined));
	await run.start();
	run.push(await journal.accept([entry("a"), entry("a"), entry("a")]));
	await nextTick();
	await run.stop(10);
	expect(await journal.rows(lane("a"), 0, 10)).toHaveLength(3);
});
