import { describe, expect, test } from "vitest";
import type { MessageId } from "../../src/core/ids.ts";
import { createFlood, type Pace, type Waiting } from "../../src/mqtt/flood.ts";
import { paceOf } from "../../src/mqtt/pace.ts";
import { plain, type Sort } from "../../src/mqtt/sorts.ts";
import { arrival } from "./arrival.ts";

function flood(pace: Pace, burst = 1_000) {
	const clock = { now: 1_000_000 };
	let merged = 0;
	let order = 0;
	const one = createFlood({
		rate: { perMinute: 60, burst },
		pace: () => pace,
		merged(count) {
			merged += count;
		},
		makeId: () => `${order}` as MessageId,
		now: () => clock.now,
	});
	const offer = (topic: string, text: string, superseded = 0, sort: Sort = plain, subscriptions = [1]) =>
		one.offer({ ...arrival(topic, text), superseded, subscriptions }, ++order, sort);
	const text = ({ latest }: Waiting) => `${latest.topic} ${Buffer.from(latest.payload)}`;
	/** Lets the due values go, as their texts. */
	const goOn = () =>
		one
			.due()
			.filter((each) => one.take(each))
			.map(text);
	return { ...one, clock, offer, goOn, merged: () => merged };
}

describe("createFlood", () => {
	test("shows a topic in place once a second, with the latest of its values, and counts the others as merged", () => {
		const { offer, goOn, clock, merged } = flood("latest");
		expect(offer("t", "0")).toBeUndefined();
		for (let n = 1; n <= 10_000; n++) offer("t", `${n}`);
		expect(offer("u", "0")).toBeUndefined();
		expect(goOn()).toEqual([]);
		clock.now += 1_000;
		expect(goOn()).toEqual(["t 10000"]);
		expect(merged()).toBe(9_999);
		expect(offer("t", "next")).toBeDefined();
		clock.now += 2_000;
		expect(goOn()).toEqual(["t next"]);
	});

	test("counts the values in whose place a value came, whether it waits or goes on at once", () => {
		const { offer, merged } = flood("latest");
		offer("t", "0", 3);
		expect(merged()).toBe(3);
		expect(offer("t", "1", 4)).toMatchObject({ values: 5 });
		expect(offer("t", "2", 5)).toMatchObject({ values: 11 });
		expect(merged()).toBe(13);
	});

	test("shows the latest value for the subscriptions of all values, of which a broker sends one each", () => {
		const { offer, merge, goOn, clock } = flood("latest");
		offer("t", "old", 0, plain, [1]);
		offer("t", "old", 0, plain, [2]);
		const waiting = offer("t", "new", 0, plain, [1]) as Waiting;
		expect(waiting.latest.subscriptions.toSorted()).toEqual([1, 2]);
		// A redelivery of an earlier value.
		merge(waiting, { ...arrival("t", "older"), subscriptions: [3] }, 0);
		expect(waiting.latest.subscriptions.toSorted()).toEqual([1, 2, 3]);
		clock.now += 1_000;
		expect(goOn()).toEqual(["t new"]);
	});

	test("tells until when a later value of a topic takes the place of an earlier one", () => {
		const { offer, heldUntil, clock } = flood("latest", 1);
		offer("t", "0");
		expect(heldUntil("t")).toBeUndefined();
		offer("t", "1");
		expect(heldUntil("t")).toBe(clock.now + 1_000);
		// The value is due then, and the rate of the broker holds it back for longer.
		clock.now += 5_000;
		expect(heldUntil("t")).toBe(clock.now + 100);
	});

	test("tells no such time for a topic with a condition, to which each value counts", () => {
		const { offer, heldUntil } = flood("latest", 1);
		offer("t", "0");
		offer("t", "1", 0, { name: "", use: "shown" });
		expect(heldUntil("t")).toBeUndefined();
	});

	test("lets values go on one by one within the rate, and as a digest of ten seconds above it", () => {
		const { offer, goOn, clock } = flood("digest", 3);
		for (const text of ["1", "2", "3"]) expect(offer("t", text)).toBeUndefined();
		const waiting = offer("t", "4");
		for (let n = 5; n <= 124; n++) offer("t", `${n}`);
		clock.now += 9_000;
		expect(goOn()).toEqual([]);
		clock.now += 1_000;
		expect(goOn()).toEqual(["t 124"]);
		expect(waiting).toMatchObject({ values: 121, since: 1_000_000 });
	});

	test("lets no more topics go on than the rate allows, those that wait longest first", () => {
		const { offer, goOn, clock } = flood("latest", 1);
		for (let n = 0; n < 50; n++) offer(`t${n}`, "v");
		expect(goOn()).toEqual([]);
		clock.now += 1_000;
		expect(goOn()).toEqual(["t1 v"]);
		offer("t1", "later");
		clock.now += 1_000;
		expect(goOn()).toEqual(["t2 v"]);
	});

	test("lets a burst of topics go on eight at a time, so that a chat does not wait behind all of them", () => {
		const { offer, goOn, clock } = flood("latest");
		for (const text of ["1", "2"]) for (let n = 0; n < 20; n++) offer(`t${n}`, text);
		clock.now += 1_000;
		expect([goOn(), goOn(), goOn(), goOn()].map(({ length }) => length)).toEqual([8, 8, 4, 0]);
	});

	test("keeps the later of two values, in whatever order they are merged", () => {
		const { offer, merge, goOn, clock } = flood("latest");
		offer("t", "1");
		const waiting = offer("t", "3") as Waiting;
		merge(waiting, arrival("t", "2"), 1);
		clock.now += 1_000;
		expect(goOn()).toEqual(["t 3"]);
	});

	test("keeps no more than 20,000 topics and 8 MiB waiting, and none of the library's chunks", () => {
		const { offer, all } = flood("latest", 0);
		for (let n = 0; n < 20_010; n++) offer(`t${n}`, "v");
		expect(all()).toHaveLength(20_000);
		const large = flood("latest", 0);
		const chunk = Buffer.alloc(1_048_576);
		for (let n = 0; n < 20; n++) large.offer(`t${n}`, chunk.toString("latin1"));
		expect(large.all().length).toBeLessThan(9);
		const small = large.all()[0]?.latest.payload as Uint8Array;
		expect(small.buffer.byteLength).toBe(small.byteLength);
	});

	test("shows a topic again after the clock was set back", () => {
		const { offer, clock } = flood("latest");
		offer("t", "1");
		clock.now -= 3_600_000;
		expect(offer("t", "2")).toBeUndefined();
	});
});

describe("paceOf", () => {
	test.each([
		[[{ show: "state" }], "latest"],
		[[{ show: "state", only: { changed: true, deadband: 1, every: 5 } }], "latest"],
		[[{ show: "state" }, { show: "both" }], "digest"],
		[[{}], "digest"],
		[[], "each"],
		[[{ show: "state" }, { only: { below: 3, hysteresis: 1 } }, { only: { debounce: 2 } }], "latest"],
		[[{ only: { matches: "on" } }], "digest"],
	] as const)("of %j is %s", (mirrors, pace) => {
		expect(paceOf(mirrors)).toBe(pace);
	});
});
