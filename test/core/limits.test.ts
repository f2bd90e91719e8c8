import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type BoundedMap, createBoundedMap, textBytes } from "../../src/core/bounded-map.ts";
import type { Running } from "../../src/core/bridge.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId, UserId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import { createRateLimit, type Limits } from "../../src/core/limits.ts";
import { noMeter } from "../../src/core/meter.ts";
import { createMemoryJournal } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, quiet } from "../fakes.ts";
import { liveHeap } from "../live-heap.ts";

const many = { perMinute: 1e6, burst: 1e6 };
const defaults: Limits = {
	sender: { perMinute: 120, burst: 60 },
	domain: { perMinute: 3000, burst: 1000 },
	newChats: many,
	newChatsOfDomain: many,
	createdRooms: many,
	requests: many,
	requestsOfDomain: many,
	joins: { perMinute: 60, burst: 100 },
	joinsOfDomain: { perMinute: 300, burst: 500 },
	newGhosts: many,
	newGhostsOfDomain: many,
};

describe("a bridge with the default limits", () => {
	// A limit grants more while a busy machine stands still, so the clock of the limits does.
	beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
	let bridge: Running;
	let mars: Fake;
	let earth: Fake;
	let journal: Journal;
	let limited = 0;
	let warned: string[] = [];
	afterEach(async () => {
		await bridge.stop(0);
		vi.useRealTimers();
	});

	async function begin(rooms = ["crater"], kind: "joined" | "mirror" = "joined"): Promise<void> {
		[earth, mars] = [fakeNetwork("earth"), fakeNetwork("mars")];
		[limited, warned] = [0, []];
		journal = createMemoryJournal();
		for (const room of rooms) mars.rooms.set(room, []);
		bridge = bridgeOf([earth, mars], rulesFor({ "*": "admin" }, { limits: defaults, membersMirrored: 50 }), {
			log: { ...quiet, warn: (_fields: object, text: string) => void warned.push(text) },
			meter: { ...noMeter, limited: () => limited++ },
			journal,
		});
		await bridge.start();
		for (const room of rooms)
			if (kind === "mirror")
				await bridge.mirror(
					[{ here: earth.name, room: "plaza" as RoomId, there: mars.name, topic: room as RoomId }],
					false,
				);
			else await command(bridge, earth, `link mars ${room}`, { who: "boss", room: `room of ${room}` });
	}
	/** Resolves with the number of events of this kind that reach the other side without delay. */
	async function reached(kind: BridgeEvent["kind"]): Promise<number> {
		while ((await journal.stats()).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 10));
		return earth.sent.filter(({ event }) => event.kind === kind).length;
	}
	const line = (n: number, at: number, who: string): BridgeEvent => ({
		kind: "message",
		style: "text",
		text: `line ${n}`,
		id: `m${n}` as MessageId,
		room: "crater" as RoomId,
		sender: mars.person(who),
		at,
	});
	const cursor = (n: number) => ({ key: "mars crater", value: String(n) });

	describe("takes of messages that claim to be old", () => {
		test.each([
			[
				"spread over hours in which the bridge was not away",
				(n: number, now: number) => now - (2_000 - n) * 4_000,
			],
			["all of one time", (_: number, now: number) => now - 3_600_000],
			["each older than the one before", (n: number, now: number) => now - (n + 1) * 60_000],
		])("no more of one person than of live ones: %s", async (_name, at) => {
			await begin();
			const now = Date.now();
			await mars.bridge.receive(
				Array.from({ length: 2_000 }, (_, n) => ({
					...line(n, at(n, now), "eve"),
					cursor: cursor(n),
					since: now - 1_000,
				})),
			);
			const count = await reached("message");
			expect(count).toBeGreaterThanOrEqual(60);
			expect(count).toBeLessThan(80);
		});

		test("no more of a room than of live messages, whoever sent them", async () => {
			await begin();
			const now = Date.now();
			await mars.bridge.receive(
				Array.from({ length: 3_000 }, (_, n) => ({
					...line(n, now - (3_000 - n) * 4_000, `eve${n}`),
					cursor: cursor(n),
					since: now - 1_000,
				})),
			);
			expect(await reached("message")).toBeLessThan(1_500);
		});

		test("no more than of live messages if the network does not name the start of the gap", async () => {
			await begin();
			const now = Date.now();
			await mars.bridge.receive(
				Array.from({ length: 500 }, (_, n) => ({
					...line(n, now - (500 - n) * 4_000, "eve"),
					cursor: cursor(n),
				})),
			);
			expect(await reached("message")).toBeLessThan(80);
		});

		test("all that one person sent within the rate during an outage, also with a clock behind ours", async () => {
			await begin();
			const since = Date.now() - 400_000;
			await mars.bridge.receive(
				Array.from({ length: 400 }, (_, n) => ({
					...line(n, since - 240_000 + n * 1_000, "zed"),
					cursor: cursor(n),
					since,
				})),
			);
			expect(await reached("message")).toBe(400);
		});
	});

	const comes = (n: number, room: string, change: "join" | "leave"): BridgeEvent => ({
		kind: "membership",
		change,
		id: `${room} ${change} ${n}` as MessageId,
		room: room as RoomId,
		sender: mars.person(`${room}-${n}`),
		at: Date.now(),
	});

	test("mirrors no more joins than the limit of the room, and the other people when they speak", async () => {
		await begin();
		for (let n = 0; n < 300; n++)
			await mars.bridge.receive([comes(n, "crater", "join"), comes(n, "crater", "leave")]);
		await reached("membership");
		const joins = earth.sent.filter(({ event }) => event.kind === "membership" && event.change === "join");
		expect(joins.length).toBeGreaterThanOrEqual(100);
		expect(joins.length).toBeLessThan(120);
		await mars.bridge.receive([line(1, Date.now(), "crater-299")]);
		expect(await reached("message")).toBe(1);
		expect(earth.refused).toEqual([]);
	});

	test("mirrors the leaves of those people only whose join was mirrored or who spoke", async () => {
		await begin();
		for (let n = 0; n < 300; n++) await mars.bridge.receive([comes(n, "crater", "join")]);
		await mars.bridge.receive([line(1, Date.now(), "crater-299")]);
		for (let n = 0; n < 300; n++) await mars.bridge.receive([comes(n, "crater", "leave")]);
		await reached("membership");
		const changes = earth.sent.flatMap(({ event }) => (event.kind === "membership" ? [event] : []));
		const of = (change: string) => changes.filter((one) => one.change === change).map((one) => one.sender.id);
		expect(of("leave")).toEqual([...of("join"), mars.person("crater-299").id]);
	});

	test("mirrors no leave in a room above membersMirrored", async () => {
		await begin();
		await mars.bridge.receive(Array.from({ length: 80 }, (_, n) => comes(n, "crater", "join")));
		for (let n = 0; n < 80; n++) await mars.bridge.receive([comes(n, "crater", "leave")]);
		expect(await reached("membership")).toBe(0);
	});

	test("remembers at most 8 MiB of people whose join was not mirrored, the newest ones", async () => {
		await begin();
		await mars.bridge.receive(Array.from({ length: 80 }, (_, n) => comes(n, "crater", "join")));
		const long = (n: number, change: "join" | "leave"): BridgeEvent => {
			const event = comes(1_000 + n, "crater", change);
			return { ...event, sender: { ...event.sender, id: `${n}`.padEnd(10_000, "x") as UserId } };
		};
		// Each takes 20 kB.
		await mars.bridge.receive(Array.from({ length: 500 }, (_, n) => long(n, "join")));
		for (const event of [comes(0, "crater", "leave"), long(0, "leave"), long(499, "leave")])
			await mars.bridge.receive([event]);
		await reached("membership");
		const leaves = earth.sent.filter(({ event }) => event.kind === "membership");
		expect(leaves.map(({ event }) => event.sender.id)).toEqual([
			mars.person("crater-0").id,
			long(0, "leave").sender.id,
		]);
	});

	test("mirrors no more joins than the limit of the domain in all its rooms", async () => {
		const rooms = Array.from({ length: 8 }, (_, n) => `room${n}`);
		await begin(rooms);
		for (const room of rooms)
			for (let n = 0; n < 99; n++)
				await mars.bridge.receive([comes(n, room, "join"), comes(n, room, "leave")]);
		await reached("membership");
		const joins = earth.sent.filter(({ event }) => event.kind === "membership" && event.change === "join");
		expect(joins.length).toBeLessThan(530);
	});

	test("shows no more renames than the limit of the room", async () => {
		await begin();
		for (let n = 0; n < 300; n++)
			await mars.bridge.receive([
				{
					kind: "profile",
					id: `p${n}` as MessageId,
					room: "crater" as RoomId,
					sender: { ...mars.person("eve"), name: `Eve ${n}` },
					at: Date.now(),
				},
			]);
		expect(await reached("profile")).toBeLessThan(120);
	});

	test("delays the values of an MQTT server above the limit of its domain, and logs one line", async () => {
		await begin(["temp"], "mirror");
		await mars.bridge.receive(
			Array.from({ length: 2_000 }, (_, n) => ({
				kind: "state" as const,
				id: `s${n}` as MessageId,
				room: "temp" as RoomId,
				sender: mars.person(`topic ${n}`),
				at: Date.now(),
				key: `topic ${n}`,
				label: "temperature",
				value: String(n),
			})),
		);
		const count = (await reached("state")) + (await reached("message"));
		expect(count).toBeGreaterThanOrEqual(1_000);
		expect(count).toBeLessThan(1_400);
		expect(count + (await journal.stats()).held).toBe(2_000);
		expect(limited).toBe(0);
		expect(warned).toEqual(["a rate limit is exceeded; the excess is delayed"]);
	});
});

describe("a bounded map", () => {
	const build = (): BoundedMap<string, string> =>
		createBoundedMap<string, string>(1_000, { bytes: 10_000, of: textBytes });

	test("evicts its oldest entries above its bytes, whatever their number", () => {
		const map = build();
		for (let n = 0; n < 50; n++) map.set(`key${n}`, "x".repeat(400));
		expect(map.bytes()).toBeLessThanOrEqual(10_000);
		expect([map.has("key0"), map.has("key49")]).toEqual([false, true]);
	});

	test("keeps no entry that is larger than its bound, and takes further ones", () => {
		const map = build();
		map.set("small", "x");
		map.set("large", "x".repeat(100_000));
		expect([map.has("large"), map.bytes()]).toEqual([false, 0]);
		for (let n = 0; n < 2_000; n++) map.set(`key${n}`, "");
		expect(map.bytes()).toBeLessThanOrEqual(10_000);
		expect(map.has("key1999")).toBe(true);
	});

	test("takes no more memory however often one entry is set", () => {
		const map = build();
		map.set("a", "x");
		const before = liveHeap();
		for (let n = 0; n < 3_000_000; n++) map.set("a", "x");
		expect(liveHeap() - before).toBeLessThan(8);
	});

	test("counts an entry's bytes anew when it is replaced or deleted", () => {
		const map = build();
		map.set("a", "x".repeat(1_000));
		map.set("a", "x");
		expect(map.bytes()).toBe(textBytes("a", "x"));
		map.delete("a");
		expect(map.bytes()).toBe(0);
	});
});

test("a rate limit hashes long keys, and evicts the least recently used buckets", () => {
	const allowed = createRateLimit({ perMinute: 0, burst: 1 }, () => 0);
	expect([allowed("x".repeat(1e6)), allowed("x".repeat(1e6)), allowed("x".repeat(1e6 - 1))]).toEqual([
		true,
		false,
		true,
	]);
	for (let n = 0; n < 100_000; n++) allowed(`key ${n}`);
	expect(allowed("x".repeat(1e6))).toBe(true);
	expect(allowed("key 99999")).toBe(false);
});
