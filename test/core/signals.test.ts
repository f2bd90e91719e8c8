import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { TemporaryError } from "../../src/core/errors.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import type { Mapping } from "../../src/core/mapping.ts";
import type { Network } from "../../src/core/network.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { eventually } from "../eventually.ts";
import { fakeHosting } from "../fake-hosting.ts";
import { type Fake, fakeNetwork, lines } from "../fakes.ts";

let earth: Fake;
let mars: Fake;
let bridge: Running;
let stores: { mapping: Mapping; journal: Journal };

/** Starts a bridge with the stores of the last one. */
async function run(): Promise<void> {
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "link", "troll@*": "block" }), stores);
	await bridge.start();
}
async function begin(over: Partial<Network> = {}): Promise<void> {
	earth = fakeNetwork("earth", { hosting: fakeHosting("earth") });
	mars = fakeNetwork("mars", over);
	earth.rooms.set("plaza", []);
	mars.rooms.set("crater", []);
	stores = { mapping: createMemoryMapping(), journal: createMemoryJournal() };
	await run();
	await command(bridge, earth, "link mars crater");
	shown();
}
beforeEach(async () => {
	vi.useFakeTimers();
	await begin();
});
afterEach(async () => {
	vi.useRealTimers();
	await bridge.stop(0);
});

const plaza = "plaza" as RoomId;
const types = (active: boolean, who = "ann", from = earth, room = plaza) =>
	bridge.signal({ kind: "typing", room, sender: from.person(who), active });
const reads = (id: string, who = "ann") =>
	bridge.signal({ kind: "read", room: plaza, sender: earth.person(who), target: { id: id as MessageId } });
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
/** Returns the signals that reached a network since the last call, as "name: what". */
const shown = (fake = mars) =>
	fake.signals.splice(0).map(({ signal, ids }) => {
		const what = signal.kind === "typing" ? (signal.active ? "types" : "stops") : signal.kind;
		return `${signal.sender.name}: ${[what, ...ids].join(" ")}`;
	});

describe("typing", () => {
	test("reaches the other rooms of the portal once, and so does its end", async () => {
		types(true);
		await pass(0);
		expect(shown()).toEqual(["ann: types"]);
		types(true);
		await pass(5_000);
		expect(shown()).toEqual([]);
		types(false);
		types(false);
		await pass(5_000);
		expect(shown()).toEqual(["ann: stops"]);
		expect(earth.signals).toEqual([]);
	});

	test("is shown once a second when it flickers, by its last state", async () => {
		for (let n = 0; n < 40; n++) types(n % 2 === 0);
		await pass(900);
		expect(shown()).toEqual(["ann: types"]);
		await pass(200);
		expect(shown()).toEqual(["ann: stops"]);
		await pass(60_000);
		expect(shown()).toEqual([]);
	});

	test("is repeated to a network that shows it for a time, and ends when no sign of it comes any more", async () => {
		await begin({ typingLasts: 30_000 });
		types(true);
		await pass(100_000);
		expect(shown()).toEqual(["ann: types", "ann: types", "ann: types", "ann: types", "ann: types"]);
		types(true);
		await pass(119_000);
		expect(shown()).not.toContain("ann: stops");
		await pass(2_000);
		expect(shown()).toEqual(["ann: stops"]);
		await pass(200_000);
		expect(shown()).toEqual([]);
	});

	test("of blocked people, in rooms without a portal, and to a room where nobody listens is not shown", async () => {
		types(true, "troll");
		types(true, "ann", earth, "elsewhere" as RoomId);
		await pass(2_000);
		expect(shown()).toEqual([]);
		await begin({ hears: (kind) => kind !== "typing" });
		types(true);
		await pass(2_000);
		expect(shown()).toEqual([]);
	});

	test("is dropped while the side of its target is away, and never shown later", async () => {
		let up = false;
		await begin({ status: () => ({ up }) });
		types(true);
		await pass(2_000);
		up = true;
		await pass(200_000);
		expect(shown()).toEqual(["ann: stops"]);
	});

	test("of one person in many rooms is limited, its end is not, and others are not", async () => {
		const rooms = Array.from({ length: 40 }, (_, n) => `plaza ${n}` as RoomId);
		for (const room of rooms) {
			mars.rooms.set(`crater of ${room}`, []);
			await command(bridge, earth, `link mars "crater of ${room}"`, { room });
		}
		for (const room of rooms) types(true, "ann", earth, room);
		types(true, "bob");
		await pass(10);
		expect(shown()).toHaveLength(30 + 1);
		for (const room of rooms) types(false, "ann", earth, room);
		await pass(2_000);
		expect(shown()).toHaveLength(30);
	});

	test("does not overtake itself where a network is slow", async () => {
		const slow = Promise.withResolvers<void>();
		await begin({
			signal: async (out) => {
				mars.signals.push(out);
				await slow.promise;
			},
		});
		types(true);
		await pass(2_000);
		types(false);
		await pass(2_000);
		expect(shown()).toEqual(["ann: types"]);
		slow.resolve();
		await pass(2_000);
		expect(shown()).toEqual(["ann: stops"]);
	});

	test("goes on in the other networks when one fails to show it", async () => {
		await begin({ signal: async () => Promise.reject(new Error("no")) });
		types(true);
		await pass(2_000);
		types(true, "zog", mars, "crater" as RoomId);
		await pass(2_000);
		expect(shown(earth)).toEqual(["zog: types"]);
	});
});

describe("a read position", () => {
	const say = async (text: string) => {
		vi.useRealTimers();
		await mars.say("crater", "zog", text);
		await eventually(() => expect(lines(earth)).toContain(`zog: ${text}`));
		vi.useFakeTimers();
		return `earth:${earth.sent.at(-1)?.operation}`;
	};

	test("names the message by its id in the other room", async () => {
		const hello = await say("hello");
		reads(hello);
		await pass(0);
		expect(shown()).toEqual(["ann: read mars-1"]);
	});

	test("of one person is told by its newest state", async () => {
		const ids = [await say("one"), await say("two"), await say("three"), await say("four")];
		for (const id of ids) reads(id);
		await pass(5_000);
		expect(shown()).toEqual(["ann: read mars-1", "ann: read mars-4"]);
	});

	test("of a message whose delivery is not confirmed yet waits for that", async () => {
		vi.useRealTimers();
		const [begun, confirmed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		earth.trouble = () => {
			begun.resolve();
			return confirmed.promise;
		};
		await mars.say("crater", "zog", "fast");
		await begun.promise;
		const target = { id: "mars-1" as MessageId };
		bridge.signal({ kind: "read", room: "crater" as RoomId, sender: mars.person("zod"), target });
		await new Promise((resolve) => setTimeout(resolve, 20));
		expect(shown(earth)).toEqual([]);
		confirmed.resolve();
		await eventually(() => expect(earth.signals).toHaveLength(1));
		expect(shown(earth)).toEqual([`zod: read earth:${earth.sent.at(-1)?.operation}`]);
	});

	test("of a message that the other room does not know is not shown", async () => {
		reads("unknown");
		await pass(5_000);
		expect(shown()).toEqual([]);
	});
});

describe("a chat of two", () => {
	const room = "dm" as RoomId;
	beforeEach(async () => {
		vi.useRealTimers();
		await bridge.openDirect(earth.person("ann"), mars.person("zog"), room);
		vi.useFakeTimers();
	});

	test("is found after a restart, without reading all portals at each presence", async () => {
		await bridge.stop(0);
		await run();
		shown();
		const all = vi.spyOn(stores.mapping, "portals");
		const by = (who: string) => bridge.signal({ kind: "presence", sender: earth.person(who), show: "away" });
		for (const who of ["ann", "bob"]) by(who);
		await pass(2_000);
		expect(mars.signals.map(({ signal }) => signal.sender.name)).toEqual(["ann"]);
		expect(all).not.toHaveBeenCalled();
	});

	test("shows the typing and the presence of its two people, and of nobody else", async () => {
		types(true, "ann", earth, room);
		types(true, "bob", earth, room);
		bridge.signal({ kind: "presence", sender: earth.person("ann"), show: "away", status: "lunch" });
		bridge.signal({ kind: "presence", sender: earth.person("bob"), show: "away" });
		await pass(2_000);
		expect(shown().sort()).toEqual(["ann: presence", "ann: types"]);
	});

	test("tells the sender's client that a message arrived, once it is there, also after a restart", async () => {
		vi.useRealTimers();
		mars.trouble = () => Promise.reject(new TemporaryError("away"));
		await earth.say(room, "ann", "before", { receipt: true });
		await bridge.stop(0);
		const arrived = Promise.withResolvers<void>();
		await run();
		mars.trouble = () => arrived.promise;
		await earth.say(room, "ann", "hello", { receipt: true });
		await earth.say(room, "ann", "asks for none");
		await new Promise((resolve) => setTimeout(resolve, 20));
		expect(earth.receipts).toEqual([]);
		arrived.resolve();
		await eventually(() => expect(lines(mars)).toEqual(["ann: before", "ann: hello", "ann: asks for none"]));
		expect(earth.receipts).toEqual(["earth-1", "earth-2"]);
	});
});

test("a message of a linked room is never confirmed to its sender", async () => {
	vi.useRealTimers();
	await earth.say("plaza", "ann", "hello", { receipt: true });
	await eventually(() => expect(lines(mars)).toEqual(["ann: hello"]));
	expect(earth.receipts).toEqual([]);
});
