import fc from "fast-check";
import { expect, test } from "vitest";
import type { MessageId } from "../../src/core/ids.ts";
import { decide, type Memory } from "../../src/mqtt/changes.ts";
import { createFlood } from "../../src/mqtt/flood.ts";
import type { Arrival } from "../../src/mqtt/from-mqtt.ts";
import { createInbox } from "../../src/mqtt/inbox.ts";
import { createIntake, type Step } from "../../src/mqtt/intake.ts";
import { createRedelivery } from "../../src/mqtt/redelivery.ts";
import { createSorter } from "../../src/mqtt/sorts.ts";
import { random } from "../random.ts";
import { modelSession } from "./model-session.ts";

const numberIn = ({ payload }: Pick<Arrival, "payload">) => Number(Buffer.from(payload).toString());

/** The value within a message, which goes up and down as their numbers grow. */
const levelOf = (n: number) => (n * 7) % 10;
/** The conditions of a mirror that tells of high levels, with a level that is neither high nor low. */
const high = { above: 7, hysteresis: 2 };
/** Returns what a mirror with these conditions shows of messages, and the bound that the last one was beyond. */
function crossings(numbers: readonly number[]) {
	let memory: Memory = {};
	const shown = numbers.filter((n) => {
		const decided = decide(high, memory, String(levelOf(n)), 0);
		memory = decided.memory;
		return !decided.hidden;
	});
	return { shown, beyond: memory.beyond };
}

test.each([
	["latest", 65_535, "no condition"],
	["latest", 8, "no condition"],
	["digest", 65_535, "no condition"],
	["latest", 65_535, "a bound"],
	["latest", 8, "a bound"],
	["digest", 65_535, "a bound"],
] as const)(
	"acknowledges a value when it or a later one is on disk, and shows the last one last, however often connections and runs end: %s, %i identifiers, %s",
	async (pace, identifiers, condition) => {
		await fc.assert(
			fc.asyncProperty(fc.integer(), async (seed) => {
				const chance = random(seed);
				const session = modelSession(identifiers);
				/** The state that outlives a run: the cursors, and the values in the journal in order, each id once. */
				const disk = new Map<string, string>();
				const journal = new Map<string, number>();
				let clock = 0;
				let ids = 0;
				let killed = false;

				/** The newest value on disk. */
				const newest = () =>
					Math.max(
						-1,
						...journal.values(),
						...[...disk].flatMap(([key, value]) =>
							key.startsWith("mqtt waiting")
								? [Number(Buffer.from((JSON.parse(value) as { payload: string }).payload, "base64"))]
								: [],
						),
					);

				async function start() {
					killed = false;
					const mine = { ended: false };
					const flood = createFlood({
						rate: { perMinute: 60, burst: 1 },
						pace: () => pace,
						merged: () => undefined,
						makeId: () => `waiting-${ids++}` as MessageId,
						now: () => clock,
					});
					const naming = createRedelivery("home", async (key) => disk.get(key));
					naming.begin("session");
					const sorter = createSorter<Arrival>([
						{
							...(condition === "a bound" && { only: high }),
							compared: (arrival) => String(levelOf(numberIn(arrival))),
							heard: () => undefined,
						},
					]);
					const intake = createIntake("home", {
						flood,
						sort: sorter,
						naming,
						async receive(batch) {
							await Promise.resolve();
							if (mine.ended) throw new Error("killed");
							for (const one of batch) {
								if (!journal.has(one.id)) journal.set(one.id, numberIn(one));
								if (one.cursor) disk.set(one.cursor.key, one.cursor.value);
							}
						},
						async save(cursors) {
							for (const { key, value } of cursors) {
								// A kill may come between two of them.
								if (!mine.ended && chance() < 0.02) {
									mine.ended = true;
									killed = true;
								}
								if (mine.ended) throw new Error("killed");
								if (value === undefined) disk.delete(key);
								else disk.set(key, value);
							}
						},
					});
					await intake.resume(
						[...disk]
							.filter(([key]) => key.startsWith(intake.prefix))
							.map(([key, value]) => ({ key, value })),
					);
					return { intake, flood, mine };
				}
				/** Starts runs until one is not killed within its start. */
				async function begin(): ReturnType<typeof start> {
					return start().catch(begin);
				}
				let run = await begin();
				const connect = () =>
					createInbox<Step>({
						take: run.intake.take,
						acknowledge(packetId) {
							if (run.mine.ended) return;
							expect(newest()).toBeGreaterThanOrEqual(session.numberOf(packetId));
							session.acknowledged(packetId);
						},
						failed: () => undefined,
						dropped: () => undefined,
					});
				let inbox = connect();
				const bring = (arrivals: readonly Arrival[]) => {
					for (const arrival of arrivals) {
						const step = run.intake.step({ ...arrival, subscribed: ["t"] });
						if (step) void inbox.add(step);
					}
				};
				const settle = () => new Promise((resolve) => setImmediate(resolve));
				let published = 0;
				for (
					let step = 0;
					step < 2_000 &&
					(published < 60 || session.busy() || run.flood.all().length > 0 || killed || !inbox.isIdle());
					step++
				) {
					const dice = chance();
					clock += Math.floor(chance() * 700);
					if (dice < 0.4 && published < 60) session.publish(published, String(published++));
					else if (dice < 0.47 || killed) {
						// The connection breaks, or the bridge is killed within its work.
						if (chance() < 0.5 || killed) {
							run.mine.ended = true;
							await inbox.close();
							run = await begin();
						} else {
							await inbox.close();
							run.flood.returned();
						}
						inbox = connect();
						bring(session.again());
					} else if (dice < 0.8) bring(session.send());
					else for (const one of run.intake.leaving()) void inbox.add(one);
					if (chance() < 0.5) await settle();
				}
				await inbox.close();
				expect(session.busy()).toBe(false);
				expect([...journal.values()].at(-1)).toBe(59);
				if (condition === "no condition") expect(journal.size).toBeLessThan(60);
				else {
					const all = crossings([...Array(60).keys()]);
					const merged = crossings([...journal.values()]);
					expect(merged.beyond).toBe(all.beyond);
					expect(merged.shown.length).toBeGreaterThan(0);
				}
			}),
			{ numRuns: Number(process.env.TRIVIUM_RUNS ?? 40) },
		);
	},
);
