import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { createCatchUp } from "../../../src/matrix/backfill/catch-up.ts";
import type { MatrixEvent } from "../../../src/matrix/event.ts";
import { quiet } from "../../fakes.ts";
import { random } from "../../random.ts";
import { sleep, synapse } from "../synapse-model.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const [alice, romeo] = ["@alice:hs.test", "@_xmpp_romeo:hs.test"];

describe("the backfill", () => {
	test("takes all events of a room in order, whatever the homeserver forgets, delays or repeats", async () => {
		await fc.assert(
			fc.asyncProperty(fc.integer(), async (seed) => {
				const chance = random(seed);
				const timeline: MatrixEvent[] = [];
				/** The events of each room as /messages lists them: by depth, and those of one depth as they came in. */
				const history: Record<string, { depth: number; event: MatrixEvent }[]> = {
					"!plaza": [],
					"!chat": [],
				};
				const listed = (room: string) => history[room] ?? [];
				/** Returns the depth of an event that is made now: one more than that of the events before it. */
				const depthIn = (room: string) => (listed(room).at(-1)?.depth ?? 0) + 1;
				function persist(depth: number, event: MatrixEvent): void {
					const room = listed(event.room_id);
					room.splice(room.findLastIndex((one) => one.depth <= depth) + 1, 0, { depth, event });
					timeline.push(event);
				}
				/** The events on disk, in order. */
				const journal = new Set<string>();
				let turn: Promise<unknown> = Promise.resolve();
				let trouble = { hand: 0, answer: 0, take: 0, read: 0 };

				const cursors = new Map<string, string>();
				/** One run of the bridge: work under way at its end is lost. */
				function start() {
					const life = { over: false, died: Promise.withResolvers<false>() };
					const alive = async (ms: number) => {
						await sleep(ms);
						if (life.over) await new Promise(() => undefined);
					};
					const gaps = createCatchUp({
						client: {
							async messages(room, { limit, from }) {
								await alive(5 + chance() * 60);
								if (chance() < trouble.read) throw new TemporaryError("too fast", { retryAfter: 200 });
								const newest = listed(room)
									.map(({ event }) => event)
									.reverse();
								const begin = from ? newest.findIndex(({ event_id }) => event_id === from) : 0;
								const next = newest[begin + limit];
								return { chunk: newest.slice(begin, begin + limit), ...(next && { end: next.event_id }) };
							},
						},
						bridge: {
							cursor: async (key) => cursors.get(key),
							beginArchive: async () => undefined,
							async saveCursor({ key, value = "" }) {
								await alive(chance() * 5);
								cursors.set(key, value);
							},
						},
						linkOf: async (room) => room,
						reader: async () => undefined,
						isOurs: (mxid) => mxid.startsWith("@_"),
						isWhole: async () => false,
						async take(events) {
							await alive(chance() * 5);
							const mine = turn.then(async () => {
								await alive(chance() * 5);
								if (chance() < trouble.take) throw new TemporaryError("the disk is slow");
								for (const { event_id } of events) journal.add(event_id);
								await alive(chance() * 5);
							});
							turn = mine.catch(() => undefined);
							await mine;
						},
						ping: () => homeserver.retry(),
						isAway: () => false,
						log: quiet,
					});
					return { life, gaps };
				}
				let { life, gaps } = start();
				const homeserver = synapse(chance, async (id, events) => {
					await sleep(chance() * 5);
					if (life.over || chance() < trouble.hand) return false;
					const mine = life;
					const taken = gaps.takeTransaction(id, events).then(
						() => true,
						() => false,
					);
					return (await Promise.race([taken, mine.died.promise])) && chance() >= trouble.answer;
				});
				async function die(): Promise<void> {
					life.over = true;
					life.died.resolve(false);
					// The timers of the run end with it.
					void gaps.stop(Promise.resolve());
					turn = Promise.resolve();
					await sleep(100 + chance() * 3_000);
					({ life, gaps } = start());
					for (const room of ["!plaza", "!chat"]) await gaps.follow(room, room);
					homeserver.retry();
					gaps.disturbed();
				}

				let count = 0;
				/** Sends lines one after the other. The homeserver makes events of several people at once, each in up to `slow` ms. */
				const talk = async (sender: string, room: string, lines: number, slow: number) => {
					for (let n = 0; n < lines; n++) {
						const said: MatrixEvent = {
							type: "m.room.message",
							event_id: `${room} ${sender} ${n}`,
							room_id: room,
							sender,
							origin_server_ts: Date.now(),
							content: {},
						};
						const depth = depthIn(room);
						await sleep(chance() * slow);
						persist(depth, said);
						homeserver.say(said);
						if (sender !== alice) gaps.noteSent(Date.now());
						count++;
						await sleep(chance() * 120);
					}
				};
				const faults = async () => {
					// The position of a room is on disk within a second.
					await sleep(1_500);
					for (let n = 0; n < 4; n++) {
						await sleep(500 + chance() * 1_500);
						const often = () => (chance() < 0.5 ? chance() : 0);
						trouble = { hand: often(), answer: often(), take: often() / 2, read: often() };
						if (chance() < 0.3) {
							homeserver.restart();
							gaps.doubt();
							await sleep(chance() * 1_000);
							gaps.disturbed();
							homeserver.retry();
						}
						if (chance() < 0.3) await die();
						if (n === 3 && chance() < 0.2) {
							homeserver.giveUp();
							gaps.noteSent(Date.now());
						}
						await sleep(500 + chance() * 2_000);
						trouble = { hand: 0, answer: 0, take: 0, read: 0 };
					}
				};
				const all = Promise.all([
					talk(alice, "!plaza", 60, 100),
					talk(romeo, "!plaza", 50, 40),
					talk(alice, "!chat", 50, 250),
					talk(romeo, "!chat", 100, 20),
					faults(),
				]);
				await vi.advanceTimersByTimeAsync(1_500_000);
				await all;
				await gaps.stop(Promise.resolve());
				for (const room of ["!plaza", "!chat"]) {
					const people = timeline.filter((one) => one.room_id === room && !one.sender.startsWith("@_"));
					const lines = people.map(({ event_id }) => event_id);
					const there = new Set(lines);
					expect([...journal].filter((id) => there.has(id))).toEqual(lines);
				}
				expect(count).toBe(260);
			}),
			{ numRuns: Number(process.env.TRIVIUM_RUNS ?? 30) },
		);
	});
});
