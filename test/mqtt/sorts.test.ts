import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MessageId } from "../../src/core/ids.ts";
import { type Conditions, decide, type Memory } from "../../src/mqtt/changes.ts";
import { createFlood, type Pace } from "../../src/mqtt/flood.ts";
import { createSorter } from "../../src/mqtt/sorts.ts";
import { arrival } from "./arrival.ts";

const sorterOf = (...all: readonly Conditions[]) => {
	const heard: number[] = [];
	const sorter = createSorter<Readonly<{ text: string | undefined; retain: boolean }>>(
		all.map((only, index) => ({
			only,
			...(only.matches !== undefined && { matches: (text: string) => text.includes(only.matches ?? "") }),
			compared: ({ text }) => (text === "" ? null : text),
			heard: () => void heard.push(index),
		})),
	);
	return { sorter: (text: string | undefined, retain = false) => sorter({ text, retain }), heard };
};

describe("the sort of a value", () => {
	test.each([
		[{ above: 8 }, ["1", "9", "10", "3", "on", ""], "crossing crossing unseen crossing unseen shown"],
		[{ above: 8, hysteresis: 2 }, ["9", "7", "5", "7"], "crossing crossing crossing crossing"],
		[{ above: 8, below: 2 }, ["5", "6", "1", "0"], "crossing unseen crossing unseen"],
		[{ matches: "a" }, ["a", "b", "ab"], "shown unseen shown"],
		[{ matches: "9", above: 8 }, ["9", "10", "90"], "crossing unseen unseen"],
		[{ min: 8 }, ["9", "7", "10", "on", ""], "shown unseen shown unseen shown"],
		[{ min: 2, max: 4 }, ["1", "3", "5"], "unseen shown unseen"],
		[{ max: 4, debounce: 2 }, ["5"], "debounced"],
		[{ changed: true, deadband: 2, every: 5 }, ["1", "1"], "shown shown"],
		[{ debounce: 2 }, ["1", ""], "debounced shown"],
		[{ debounce: 2, matches: "a" }, ["a", "b"], "debounced unseen"],
	] as const)("under %j of %j is %s", (only, texts, uses) => {
		const { sorter } = sorterOf(only);
		expect(texts.map((text) => sorter(text).use).join(" ")).toBe(uses);
	});

	test("is the same for the copies that a broker sends for each subscription", () => {
		const sorter = createSorter<{ text: string; retain: boolean; subscriptions: readonly number[] }>([
			{ only: { above: 8 }, compared: ({ text }) => text, heard: () => undefined },
		]);
		const uses = ["1", "9", "10"].flatMap((text) =>
			[[1], [2]].map((subscriptions) => sorter({ text, retain: false, subscriptions }).use),
		);
		expect(uses).toEqual(["crossing", "crossing", "crossing", "crossing", "unseen", "unseen"]);
	});

	test("is the most that any mirror of the topic makes of it, and tells those that wait for silence", () => {
		const { sorter, heard } = sorterOf({ above: 8 }, { debounce: 1 }, { matches: "x", debounce: 1 });
		expect(sorter("1").use).toBe("crossing");
		expect(sorter("2").use).toBe("debounced");
		expect(heard).toEqual([1, 1]);
		const unconditional = sorterOf({ above: 8 }, {}).sorter;
		expect([unconditional("1"), unconditional("2")].map(({ use }) => use)).toEqual(["crossing", "shown"]);
	});

	test.each([
		["message", "unseen"],
		["both", "shown"],
	] as const)("from before the subscription is its own where the mirror skips it: %s", (show, use) => {
		const sorter = createSorter([{ show, retained: "skip", compared: () => "1", heard: () => undefined }]);
		expect([sorter({ retain: true }), sorter({ retain: false })]).toEqual([
			{ name: "retained", use },
			{ name: "", use: "shown" },
		]);
	});

	test("a value that is a file has a sort of its own, since its bytes are compared later", () =>
		expect(sorterOf({ above: 8 }).sorter(undefined)).toEqual({ name: "file", use: "shown" }));
});

/** A flood of one topic with these conditions, and the texts that leave it. */
function flood(pace: Pace, only: Conditions, burst: number) {
	const clock = { now: 1_000_000 };
	const out: string[] = [];
	let order = 0;
	const one = createFlood({
		rate: { perMinute: 60, burst },
		pace: () => pace,
		merged: () => undefined,
		makeId: () => `${order}` as MessageId,
		now: () => clock.now,
	});
	const { sorter } = sorterOf(only);
	function pass(ms: number): void {
		clock.now += ms;
		for (const each of one.due()) if (one.take(each)) out.push(`${Buffer.from(each.latest.payload)}`);
	}
	/** Lets all go that waits. */
	function settle(): void {
		for (let n = 0; n < 200; n++) pass(1_000);
	}
	return {
		out,
		pass,
		settle,
		offer(text: string) {
			const waiting = one.offer(arrival("t", text), ++order, sorter(text));
			if (!waiting) out.push(text);
		},
		waits: () => one.all().length,
	};
}

describe("a flood of values with a bound", () => {
	test("lets a crossing go at once although values before it wait, and costs the others no rate", () => {
		const { offer, pass, out } = flood("latest", { above: 8 }, 2);
		offer("0");
		pass(2_000);
		for (let n = 0; n < 1_000; n++) offer(`${n % 8}`);
		offer("9");
		pass(100);
		expect(out).toEqual(["0", "0", "9"]);
		for (let n = 0; n < 1_000; n++) offer("9");
		offer("1");
		pass(1_000);
		expect(out.at(-1)).toBe("1");
	});

	test("keeps one value of each side, in the order of the last of each", () => {
		const { offer, pass, out, waits } = flood("latest", { above: 8 }, 1);
		for (let n = 0; n < 1_000; n++) offer(n % 2 === 0 ? `${10 + n}` : "1");
		expect(waits()).toBe(2);
		offer("50");
		pass(3_000);
		pass(3_000);
		expect(out).toEqual(["10", "1", "50"]);
	});

	test.each(["latest", "digest"] as const)(
		"shows a crossing if there was one, and ends where the last value lies, whatever comes when: %s",
		(pace) => {
			const only = { above: 8, below: 2, hysteresis: 1, min: 0 };
			const step = fc.oneof(
				{ weight: 5, arbitrary: fc.integer({ min: 0, max: 11 }) },
				fc.constantFrom("wait", "words"),
			);
			const read = (texts: readonly string[]) => {
				let memory: Memory = {};
				const sides = new Set<string | undefined>();
				for (const text of texts) {
					const decided = decide(only, memory, text, 0);
					memory = decided.memory;
					if (!decided.hidden) sides.add(memory.beyond);
				}
				return { sides, beyond: memory.beyond };
			};
			fc.assert(
				fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, burst) => {
					const { offer, pass, settle, out } = flood(pace, only, burst);
					const texts = steps.filter((one) => one !== "wait").map(String);
					for (const one of steps)
						if (one === "wait") pass(700);
						else offer(String(one));
					settle();
					expect(read(out)).toEqual(read(texts));
				}),
			);
		},
	);
});

describe("a flood of values with a range", () => {
	test("loses no value within it to those outside, and costs these no rate", () => {
		const { offer, settle, out } = flood("digest", { min: 100 }, 1);
		for (let n = 0; n < 500; n++) offer("1");
		offer("101");
		settle();
		offer("102");
		for (let n = 0; n < 500; n++) offer("1");
		settle();
		expect(out.filter((text) => text !== "1")).toEqual(["101", "102"]);
		expect(out.length).toBeLessThan(8);
	});
});

describe("a flood of values with a pattern", () => {
	test("loses no value that matches to those that do not", () => {
		const { offer, settle, out } = flood("digest", { matches: "alarm" }, 1);
		for (let n = 0; n < 500; n++) offer("fine");
		offer("alarm 1");
		settle();
		offer("alarm 2");
		for (let n = 0; n < 500; n++) offer("fine");
		settle();
		expect(out.filter((text) => text !== "fine")).toEqual(["alarm 1", "alarm 2"]);
		expect(out.length).toBeLessThan(8);
	});
});
