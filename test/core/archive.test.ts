import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { TemporaryError } from "../../src/core/errors.ts";
import type { Range, Seen } from "../../src/core/hosting.ts";
import type { MessageId, RoomId, UserId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type FakeHosting, fakeHosting, type SourceRoom } from "../fake-hosting.ts";
import { type Fake, fakeNetwork } from "../fakes.ts";

let earth: Fake;
let mars: Fake;
let hosting: FakeHosting;
let bridge: Running;
let lobby: SourceRoom;
let journal: Journal;
let readings: number;
const mapping = { now: createMemoryMapping() };

async function start() {
	earth = fakeNetwork("earth", { hosting });
	mars = fakeNetwork("mars");
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "admin", "troll@*": "block" }), {
		journal,
		mapping: mapping.now,
	});
	await bridge.start();
}

async function begin() {
	hosting = fakeHosting("earth");
	journal = createMemoryJournal();
	mapping.now = createMemoryMapping();
	lobby = hosting.make("lobby");
	readings = 0;
	hosting.trouble = async (request) => {
		if (request === "earlier") readings += 1;
	};
	await start();
	await bridge.views.open(earth.name, lobby.facts.room, "view" as RoomId, mars.person("zog"));
}
beforeEach(begin);

/** Ann says these texts, of which the bridge hears nothing. */
const say = (...texts: readonly string[]) =>
	texts.map((text) => {
		const seen = hosting.say(lobby, earth.person("ann"), text);
		const named = { ...seen, id: text as MessageId, at: lobby.timeline.length * 1_000 };
		lobby.timeline.splice(-1, 1, named);
		return named;
	});
const tell = (seen: readonly Seen[]) => bridge.seen(earth.name, seen);
async function places(range: Partial<Range> = {}, who = "zog") {
	const { room } = lobby.facts;
	const found = await bridge.views.places(earth.name, room, { limit: 100, ...range }, mars.person(who));
	return { ...found, places: found.places.map(({ id }) => id) };
}
const find = async (...ids: readonly string[]) => {
	const found = await bridge.views.find(
		earth.name,
		lobby.facts.room,
		ids as readonly MessageId[],
		mars.person("zog"),
	);
	return found.map(({ id }) => id);
};
const id = (name: string) => name as MessageId;
const many = (count: number) => Array.from({ length: count }, (_, n) => `line ${n}`);

describe("the archive of a room", () => {
	test("has what was said since the view is there in the order of the timeline, and before it what the source has", async () => {
		say("a", "b");
		await tell(say("c", "d"));
		expect(await places()).toEqual({ places: ["a", "b", "c", "d"], complete: true, total: 4 });
		await tell(say("e"));
		expect(await places({ after: id("b"), limit: 2 })).toEqual({
			places: ["c", "d"],
			complete: false,
			total: 3,
		});
		expect(await places({ last: true, limit: 2 })).toMatchObject({ places: ["d", "e"], complete: false });
		expect(await places({ before: id("c"), last: true })).toMatchObject({
			places: ["a", "b"],
			complete: true,
		});
		expect(readings).toBe(1);
	});

	test("asks the source for no more than the range needs", async () => {
		say("a", "b");
		await tell(say("c", "d"));
		await places({ last: true, limit: 1 });
		await places({ after: id("c") });
		await places({ start: 4_000 });
		expect(readings).toBe(0);
		expect(await places({ start: 2_000, end: 3_000 })).toMatchObject({ places: ["b", "c"], complete: true });
		expect(readings).toBe(1);
	});

	test("is there before the first message after the view was made", async () => {
		say("a", "b");
		expect(await places({ last: true, limit: 1 })).toMatchObject({ places: ["b"], complete: false });
		await tell(say("c"));
		expect(await places()).toMatchObject({ places: ["a", "b", "c"], complete: true });
	});

	test("is read for all who ask at once as often as for one", async () => {
		say(...many(300));
		await Promise.all([1, 2, 3].map(() => places({ start: 0 })));
		expect(readings).toBe(2);
	});

	test("reads a bounded part of a long history for one request, and goes on with the next", async () => {
		say(...many(1_500));
		const first = await places();
		expect([readings, first.complete, first.total]).toEqual([5, false, 1_000]);
		// Nobody takes the oldest message read so far for the first one of the room.
		expect(first.places).toEqual([]);
		const second = await places();
		expect([readings, second.complete, second.total]).toEqual([8, false, 1_500]);
		expect(second.places[0]).toBe("line 0");
	});

	test("goes on after an old message that only the source has", async () => {
		say(...many(450));
		await tell(say("new"));
		expect(await places({ after: id("line 100"), limit: 2 })).toEqual({
			places: ["line 101", "line 102"],
			complete: false,
			total: 350,
		});
		expect(readings).toBe(2);
	});

	test("has no place for a message that it does not know, and finds an old one in the source", async () => {
		say("a", "b");
		await tell(say("c"));
		expect(await find("c", "a", "x")).toEqual(["a", "c"]);
		expect(await places({ before: id("x"), last: true })).toEqual({ places: [], complete: true, total: 0 });
		expect(await places({ after: id("x") })).toEqual({ places: [], complete: true, total: 0 });
		await journal.places.forget(earth.name, lobby.facts.room);
		expect(await places({ before: id("b"), last: true })).toMatchObject({ places: ["a"], complete: true });
	});

	test("shows a person what they may see, and others what they may", async () => {
		say("a", "b", "c");
		lobby.since.set("late@mars" as UserId, 1);
		await tell(say("d"));
		expect(await places({}, "late")).toMatchObject({ places: ["b", "c", "d"], complete: true });
		expect(await places({ last: true, limit: 2 }, "late")).toMatchObject({ places: ["c", "d"] });
		expect(await places({ before: id("c"), last: true }, "late")).toMatchObject({
			places: ["b"],
			complete: true,
		});
		expect(await places({ after: id("b"), limit: 1 }, "late")).toMatchObject({
			places: ["c"],
			complete: false,
		});
		expect(await places({ start: 3_000 }, "late")).toMatchObject({ places: ["c", "d"], complete: true });
		expect(await places()).toMatchObject({ places: ["a", "b", "c", "d"], complete: true });
		// One who may see nothing before the first place is not told that there is anything.
		lobby.since.set("later@mars" as UserId, 4);
		expect(await places({}, "later")).toMatchObject({ places: ["d"], complete: true });
	});

	test("has no place of what blocked people say", async () => {
		await tell([hosting.say(lobby, earth.person("troll"), "psst"), ...say("a")]);
		expect((await journal.places.match(earth.name, lobby.facts.room, { limit: 9 })).total).toBe(1);
	});

	test("takes a reaction whose way to the views fails, and the source goes on", async () => {
		const [line] = say("a");
		await tell(lobby.timeline);
		journal.reactions = () => Promise.reject(new TypeError("a fault"));
		const { room, sender, at } = line as Seen;
		const base = { id: id("reaction"), room, sender, at };
		const event = { ...base, kind: "reaction", mode: "add", target: { id: id("a") }, emoji: ["👍"] } as const;
		await tell([{ ...base, what: { kind: "said", event, origin: [] } }, ...say("b")]);
		expect(mars.reflected).toEqual(["view: said a", "view: said b"]);
		expect(await find("reaction")).toEqual(["reaction"]);
	});

	test("is not shown once more where the source repeats it to a bridge that was killed", async () => {
		await tell(say("a", "b"));
		const [a, b] = lobby.timeline;
		await start();
		await tell([a as Seen, b as Seen, ...say("c")]);
		await tell(say("d"));
		expect(mars.reflected).toEqual(["view: said c", "view: said d"]);
		expect((await places()).places).toEqual(["a", "b", "c", "d"]);
	});

	test("has what somebody read from the source before it was shown, which is shown all the same", async () => {
		await start();
		const said = say("a");
		expect((await places()).places).toEqual(["a"]);
		await tell(said);
		expect(mars.reflected).toEqual(["view: said a"]);
	});

	test("fails for the time being where the source does, and reads it at the next request", async () => {
		say("a");
		hosting.trouble = () => Promise.reject(new TemporaryError("away"));
		await expect(places()).rejects.toThrow(TemporaryError);
		hosting.trouble = async () => undefined;
		expect(await places()).toMatchObject({ places: ["a"], complete: true });
	});

	test("begins anew when an admin ends the view, since nobody notes the order meanwhile", async () => {
		await tell(say("a", "b"));
		await command(bridge, earth, "unlink mars", { room: lobby.facts.room });
		await tell(say("c"));
		await bridge.views.open(earth.name, lobby.facts.room, "view" as RoomId, mars.person("zog"));
		await tell(say("d"));
		expect(await places()).toMatchObject({ places: ["a", "b", "c", "d"], complete: true });
	});

	test("has one order, each message once, whatever is said, read and repeated after a crash", async () => {
		// A message of another server comes in late; the source's own order has it further up.
		const step = fc.oneof(
			fc.record({ do: fc.constant("say" as const), up: fc.nat(2) }),
			fc.record({ do: fc.constant("tell" as const), count: fc.nat(3) }),
			fc.record({
				do: fc.constant("read" as const),
				last: fc.boolean(),
				limit: fc.integer({ min: 1, max: 6 }),
			}),
			fc.record({ do: fc.constant("crash" as const), again: fc.nat(3) }),
		);
		await fc.assert(
			fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
				await begin();
				const stream: Seen[] = [];
				let told = 0;
				let answered: readonly MessageId[] = [];
				const order = async () => {
					const found = await journal.places.match(earth.name, lobby.facts.room, { limit: 1_000 });
					return found.places.map((place) => place.id);
				};
				const work: Promise<unknown>[] = [];
				for (const [n, one] of steps.entries()) {
					if (one.do === "say") {
						stream.push(...say(`m${n}`));
						const [late] = lobby.timeline.splice(-1) as [Seen];
						lobby.timeline.splice(Math.max(0, lobby.timeline.length - one.up), 0, late);
					} else if (one.do === "tell") {
						work.push(tell(stream.slice(told, told + one.count)));
						told = Math.min(stream.length, told + one.count);
					} else if (one.do === "read") work.push(places({ last: one.last, limit: one.limit }));
					else {
						await Promise.all(work.splice(0));
						await start();
						work.push(tell(stream.slice(Math.max(0, told - one.again), told)));
					}
					if (n % 5 > 0) continue;
					await Promise.all(work.splice(0));
					const now = await order();
					expect(now.filter((known) => answered.includes(known))).toEqual(answered);
					answered = now;
				}
				await Promise.all(work);
				const before = await order();
				expect(before.filter((known) => answered.includes(known))).toEqual(answered);
				await tell(stream.slice(told));
				// The messages that nobody had read have the order of the stream.
				const fresh = stream.map(({ id }) => id).filter((one) => !before.includes(one));
				expect(await order()).toEqual([...before, ...fresh]);
				expect(new Set(before).size).toBe(before.length);
			}),
			{ numRuns: 200 },
		);
	});
});
