import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { TemporaryError } from "../../src/core/errors.ts";
import type { MessageId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { createSqliteJournal } from "../../src/store/sqlite.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { fakeNetwork } from "../fakes.ts";

const rooms = ["plaza", "market"] as const;
const never = new Promise<never>(() => undefined);

/** The outcome of a delivery: confirmed, failed, or arrived with its confirmation lost. */
type Outcome = "done" | "failed" | "unanswered";
type Run = Readonly<{
	/** The rooms that get a message, in this order. */
	lines: readonly number[];
	outcomes: readonly Outcome[];
	/** The journal call at which the process dies, with or without its effect on disk; undefined: the process dies idle. */
	crash: Readonly<{ call: number; written: boolean }>;
}>;

/** The state that outlives the process: the store, the messages sent, those that arrived, and the notices. */
function world(folder: string, window: number) {
	const mapping = createMemoryMapping();
	const said: { room: string; text: string; id: MessageId; acknowledged: boolean }[] = [];
	const arrived: { room: string; text: string; operation: string }[] = [];

	/** One run of the process. */
	async function life(outcomes: Outcome[], crash: Run["crash"] | undefined) {
		let [stalled, dead] = [false, false];
		let calls = 0;
		/** Confirmations that are not on disk yet: they go there with the next call, or a moment later, and a crash loses them. */
		const unnoted: (() => void)[] = [];
		const note = () => {
			if (!stalled && !dead) for (const one of unnoted.splice(0)) one();
		};
		const real = createSqliteJournal({
			file: join(folder, "journal.db"),
			onFailure: () => undefined,
		});
		const mortal = new Proxy(real, {
			get(target, name) {
				const method = target[name as keyof Journal] as (...values: unknown[]) => Promise<unknown>;
				return (...values: unknown[]) => {
					if (stalled || dead) return never;
					const perform = () => method.apply(target, values).then((it) => (dead ? never : it));
					if (++calls !== crash?.call) {
						if (name !== "done") {
							note();
							return perform();
						}
						setTimeout(note, 5);
						return new Promise((resolve) => unnoted.push(() => resolve(perform())));
					}
					// After the crash, code that waits for the disk waits for ever, and all other code goes on for a moment.
					stalled = true;
					setTimeout(() => {
						dead = true;
					}, 3);
					if (crash.written) {
						for (const one of unnoted) one();
						void perform();
					}
					return never;
				};
			},
		});
		await real.open();

		/** The message that failed last, by room: no later message may overtake it. */
		const stuck = new Map<string, string>();
		const earth = fakeNetwork("earth");
		const mars = fakeNetwork("mars", {
			window,
			// New messages must not overtake the rows of an earlier run.
			start: () => sleep(20),
			async send({ operation, room, event, attempt }) {
				if (dead) return never;
				if (stuck.get(room) === operation) stuck.delete(room);
				if (stuck.has(room)) throw new TemporaryError("the line is down");
				const there = arrived.some((one) => one.operation === operation);
				const outcome = outcomes.shift() ?? "done";
				if (outcome === "failed") stuck.set(room, operation);
				if (outcome === "failed") throw new TemporaryError("not sent");
				// A network checks a row in doubt before it repeats it; a row that is not marked as attempted it cannot check.
				if (!(there && attempt > 0) && event.kind === "message")
					arrived.push({ room, text: event.text, operation });
				if (outcome === "done") return [`mars:${operation}` as MessageId];
				stuck.set(room, operation);
				throw new TemporaryError("no answer");
			},
		});
		for (const room of rooms) mars.rooms.set(`${room} there`, []);
		const bridge: Running = bridgeOf([earth, mars], rulesFor({ "*": "admin" }), { mapping, journal: mortal });
		const say = async (one: (typeof said)[number]) => {
			await earth.say(one.room, "ann", one.text, { id: one.id });
			one.acknowledged = true;
		};
		return {
			bridge,
			earth,
			start: () => Promise.race([bridge.start(), died()]),
			/** The server sends all unacknowledged messages and then the new ones, in order, some of them in one batch. */
			async hear(lines: readonly number[]): Promise<void> {
				for (const index of lines) {
					const room = rooms[index] as string;
					const text = `${room} ${said.filter((one) => one.room === room).length}`;
					said.push({ room, text, id: text as MessageId, acknowledged: false });
				}
				// No server is heard before its network has started.
				while (!earth.bridge && !dead) await sleep(1);
				if (dead) return;
				const all = said.filter((one) => !one.acknowledged).map((one) => say(one));
				await Promise.race([Promise.all(all), died()]);
			},
			async work(until: () => boolean, ms: number): Promise<void> {
				for (const end = Date.now() + ms; Date.now() < end && !dead && !until(); ) {
					bridge.resume(mars.name);
					await sleep(1);
				}
			},
			async die(): Promise<void> {
				dead = true;
				await real.close();
			},
		};
		async function died(): Promise<void> {
			while (!dead) await sleep(1);
		}
	}

	return { said, arrived, life };
}

const run = fc.record({
	lines: fc.array(fc.nat(1), { maxLength: 8 }),
	outcomes: fc.array(fc.constantFrom<Outcome>("done", "done", "failed", "unanswered"), { maxLength: 8 }),
	crash: fc.record({ call: fc.integer({ min: 1, max: 60 }), written: fc.boolean() }),
});

test.each([1, 5])(
	"every message arrives once and in order whenever the process dies, with %i deliveries in flight",
	async (window) => {
		await fc.assert(
			fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 4 }), async (runs) => {
				const folder = mkdtempSync(join(tmpdir(), "trivium-crash-"));
				try {
					const { said, arrived, life } = world(folder, window);
					const first = await life([], undefined);
					await first.start();
					for (const room of rooms)
						await command(first.bridge, first.earth, `link mars ${room} there`, { room });
					await first.die();
					for (const { lines, outcomes, crash } of runs) {
						const one = await life([...outcomes], crash);
						await Promise.all([one.start(), one.hear(lines)]);
						await one.work(() => false, 15);
						await one.die();
					}
					const last = await life([], undefined);
					await last.start();
					await last.hear([]);
					await last.work(() => arrived.length >= said.length, 5_000);
					await sleep(5);
					await last.die();
					for (const room of rooms) {
						const texts = (of: readonly { room: string; text: string }[], name: string) =>
							of.filter((one) => one.room === name).map((one) => one.text);
						expect(texts(arrived, `${room} there`)).toEqual(texts(said, room));
					}
				} finally {
					rmSync(folder, { recursive: true });
				}
			}),
			{ numRuns: Number(process.env.TRIVIUM_RUNS ?? 6) },
		);
	},
	600_000,
);
