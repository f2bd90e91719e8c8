import fc from "fast-check";
import { expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { LinkId, MessageId, OperationId, PortalId, TraceId } from "../../src/core/ids.ts";
import type { Journal, Lane, Row } from "../../src/core/journal.ts";
import { createLanes } from "../../src/core/lanes.ts";
import { createMemoryJournal } from "../../src/store/memory.ts";
import { eventually } from "../eventually.ts";
import { quiet, until } from "../fakes.ts";

const lane = (name: string): Lane => ({ portal: name as PortalId, link: "out" as LinkId });
const event = { kind: "message", room: "r", sender: { network: "n" } } as BridgeEvent;
let count = 0;
const entry = (to: string) => {
	const operation = `op-${++count}` as OperationId;
	return { key: operation, rows: [{ operation, trace: "t" as TraceId, lane: lane(to), event }] };
};
const named = (to: string, name: string) => {
	const one = entry(to);
	const operation = `op-${count}-${name}` as OperationId;
	return {
		...one,
		rows: one.rows.map((row) => ({ ...row, operation, event: { ...event, id: name as MessageId } })),
	};
};
const states = async (journal: Journal) =>
	(await journal.rows(lane("a"), 0, 1_000)).map(({ state }) => state);
const nextTick = () => new Promise((resolve) => setTimeout(resolve, 1));

/** Creates a journal, lanes over it, and a sender whose outcomes the test sets. */
function setup(
	window: number,
	send: (row: Row) => Promise<void>,
	prepare: (row: Row) => Promise<void> = async () => undefined,
	most?: number,
) {
	const journal = createMemoryJournal();
	const wire: number[] = [];
	const run = createLanes(
		journal,
		{
			window: () => window,
			refersBack: () => false,
			single: () => true,
			async prepare(row) {
				await prepare(row);
				if (!row.begun && !(await journal.attempt(row))) return undefined;
				return async () => {
					await send(row);
					wire.push(row.seq);
					await journal.done(row, { network: "n" as never, room: "r" as never }, []);
				};
			},
			fail: async (_row, error) => {
				throw error;
			},
			expire: async (row) => void (await journal.expire(row)),
			retried: () => undefined,
		},
		quiet,
		most,
	);
	return { journal, wire, run };
}

test("a lane keeps its order whatever fails, and other lanes do not wait for it", async () => {
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

test("rows left by an earlier run count towards the bound of a lane until they are settled", async () => {
	let away = true;
	const { journal, wire, run } = setup(
		1,
		async () => {
			if (away) throw new TemporaryError("away", { unsent: true });
		},
		undefined,
		3,
	);
	await journal.accept([entry("a"), entry("a")]);
	await run.start();
	const late = await journal.accept([entry("a"), entry("a"), entry("b")]);
	expect(run.push(late)).toEqual(late.slice(1, 2));
	away = false;
	await until(
		() => wire.length >= 4,
		() => wire.join(),
	);
	const later = await journal.accept([entry("a")]);
	expect(run.push(later)).toEqual([]);
	await run.stop(100);
});

test("rows left by a stop are in the journal, and only those that were sent are in doubt", async () => {
	const { journal, run } = setup(1, () => new Promise(() => undefined));
	await run.start();
	run.push(await journal.accept([entry("a"), entry("a"), entry("a")]));
	await nextTick();
	await run.stop(10);
	expect(await states(journal)).toEqual(["doubt", "waiting", "waiting"]);
});

test("a lane whose rows cannot be read tries again after a pause", async () => {
	const { journal, wire, run } = setup(1, async () => undefined);
	await journal.accept([entry("a")]);
	const { rows } = journal;
	let reads = 0;
	journal.rows = async (...of) => {
		if (reads++ < 2) throw new SyntaxError("a row that cannot be read");
		return rows(...of);
	};
	const began = Date.now();
	await run.start();
	await until(
		() => wire.length === 1,
		() => `${reads} reads`,
	);
	expect(Date.now() - began).toBeGreaterThan(1_900);
	expect(reads).toBeGreaterThanOrEqual(3);
	expect(reads).toBeLessThan(6);
	await run.stop(100);
});

test("a row that a read from disk has brought is not queued a second time when its acceptance is reported just after", async () => {
	let free: () => void = () => undefined;
	const { journal, wire, run } = setup(1, () => new Promise((resolve) => (free = resolve)));
	const [first, second, third] = await journal.accept(
		[named("a", "1"), named("a", "2"), named("a", "3")].map((one) => ({
			...one,
			rows: one.rows.map((row) => ({ ...row, begun: true })),
		})),
	);
	const read = journal.rows;
	journal.rows = async (...about) => {
		const found = await read(...about);
		// The lane goes on with the answer before this.
		setImmediate(() => run.push([first, second, third] as readonly Row[]));
		return found;
	};
	await run.start();
	await eventually(() => {
		free();
		expect(wire).toHaveLength(3);
	});
	await nextTick();
	free();
	await nextTick();
	expect(wire).toEqual([first?.seq, second?.seq, third?.seq]);
	await run.stop(100);
});

test("rows prepared behind a failed row are not in doubt and can be cancelled", async () => {
	let failures = 1;
	const { journal, wire, run } = setup(1, async () => {
		if (failures-- > 0) throw new TemporaryError("again");
	});
	await run.start();
	const rows = await journal.accept([named("a", "1"), named("a", "2"), named("a", "3")]);
	run.push(rows);
	await nextTick();
	await nextTick();
	expect(await states(journal)).toEqual(["doubt", "waiting", "waiting"]);
	const [, second] = rows;
	expect(await journal.cancel({ network: "n" as never, room: "r" as never, id: "2" as never })).toEqual([
		second,
	]);
	for (let i = 0; i < 200 && wire.length < 2; i++) {
		run.resume(() => true);
		await nextTick();
	}
	expect(wire).toEqual([rows[0]?.seq, rows[2]?.seq]);
	await run.stop(100);
});

test("a row that was deleted while it waited behind a row in flight is not sent after that one failed", async () => {
	let fail: (() => void) | undefined;
	const { journal, wire, run } = setup(1, async () => {
		if (wire.length > 0 || fail) return;
		await new Promise<void>((_, reject) => {
			fail = () => reject(new TemporaryError("again"));
		});
	});
	await run.start();
	const rows = await journal.accept([named("a", "1"), named("a", "2"), named("a", "3")]);
	run.push(rows);
	await eventually(() => expect(fail).toBeDefined());
	await journal.cancel({ network: "n" as never, room: "r" as never, id: "2" as never });
	expect(await states(journal)).toEqual(["doubt", "doubt", "doubt"]);
	fail?.();
	await eventually(() => {
		run.resume(() => true);
		expect(wire).toEqual([rows[0]?.seq, rows[2]?.seq]);
	});
	await run.stop(100);
});

test("a row is begun when it is accepted only if the lane can send it at once; a waiting row can be cancelled", async () => {
	let stuck = true;
	const { journal, wire, run } = setup(1, async () => {
		if (stuck) throw new TemporaryError("again");
	});
	const many = Array.from({ length: 40 }, () => lane("a"));
	expect(many.map(run.begins()).filter(Boolean), "not started").toEqual([]);
	await run.start();
	expect(many.map(run.begins()).filter(Boolean)).toHaveLength(32);
	const begin = (...names: string[]) => {
		const begins = run.begins();
		const entries = names.map((name) => named("a", name));
		return journal.accept(
			entries.map((one) => ({ ...one, rows: one.rows.map((row) => ({ ...row, begun: begins(row.lane) })) })),
		);
	};
	const first = await begin("1", "2");
	expect(first.map((row) => row.begun)).toEqual([true, true]);
	run.push(first);
	await nextTick();
	await nextTick();
	const second = await begin("3");
	run.push(second);
	expect(second[0]?.begun).toBe(false);
	expect(await states(journal)).toEqual(["doubt", "waiting", "waiting"]);
	stuck = false;
	for (let i = 0; i < 200 && wire.length < 3; i++) {
		run.resume(() => true);
		await nextTick();
	}
	expect(wire).toEqual([...first, ...second].map((row) => row.seq));
	await run.stop(100);
});

test("a row that cannot be prepared blocks the rows behind it, and none before it", async () => {
	let fails = true;
	const { journal, wire, run } = setup(
		1,
		async () => undefined,
		async (row) => {
			if (row.operation.endsWith("third") && fails) throw new TemporaryError("again");
		},
	);
	await run.start();
	const rows = await journal.accept(["first", "second", "third", "fourth"].map((name) => named("a", name)));
	run.push(rows);
	await eventually(() => expect(wire).toHaveLength(2));
	for (let i = 0; i < 10; i++) await nextTick();
	expect(wire).toEqual(rows.slice(0, 2).map((row) => row.seq));
	fails = false;
	await eventually(() => {
		run.resume(() => true);
		expect(wire).toHaveLength(4);
	});
	expect(wire).toEqual(rows.map((row) => row.seq));
	await run.stop(100);
});

test("no more than 32 rows of a lane are prepared at once, however many wait", async () => {
	const { journal, run } = setup(1, () => new Promise(() => undefined));
	await run.start();
	run.push(await journal.accept(Array.from({ length: 100 }, () => entry("a"))));
	await nextTick();
	await nextTick();
	expect((await states(journal)).filter((state) => state === "doubt")).toHaveLength(32);
	await run.stop(10);
});

test("an unsent row is not in doubt, and is not sent after it is cancelled", async () => {
	let away = true;
	let tried = 0;
	const { journal, wire, run } = setup(1, async () => {
		tried++;
		if (away) throw new TemporaryError("away", { unsent: true });
	});
	await run.start();
	const rows = await journal.accept([named("a", "deleted"), named("a", "stays")]);
	run.push(rows);
	await eventually(() => expect(tried).toBe(1));
	await eventually(async () => expect(await states(journal)).toEqual(["waiting", "waiting"]));
	expect(
		await journal.cancel({ network: "n" as never, room: "r" as never, id: "deleted" as MessageId }),
	).toHaveLength(1);
	away = false;
	await eventually(() => {
		run.resume(() => true);
		expect(wire).toEqual([rows[1]?.seq]);
	});
	await run.stop(1_000);
});

test("no row overtakes a released one when the link comes back during the release", async () => {
	let away = true;
	const { journal, wire, run } = setup(2, async () => {
		if (away) throw new TemporaryError("away", { unsent: true });
		await nextTick();
	});
	const { release } = journal;
	journal.release = async (rows) => {
		away = false;
		await nextTick();
		await nextTick();
		return release(rows);
	};
	await run.start();
	const rows = await journal.accept(Array.from({ length: 4 }, () => entry("a")));
	run.push(rows);
	await eventually(() => {
		run.resume(() => true);
		expect(wire).toHaveLength(4);
	});
	expect(wire).toEqual(rows.map(({ seq }) => seq));
	await run.stop(1_000);
});
