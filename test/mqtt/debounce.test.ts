import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cursor } from "../../src/core/network.ts";
import { shapeText } from "../../src/mqtt/shape.ts";
import { roomOf } from "../../src/mqtt/topics.ts";
import { bring, mirrorRooms } from "./rooms.ts";

const room = roomOf("home", "#", shapeText({ only: { debounce: 2, changed: true } }));

/** Mirrors with a clock that stands still between two moments. */
function world(mirror = room) {
	let time = 0;
	let timer: { at: number; work: () => Promise<void> } | undefined;
	const shown: (readonly [at: number, value: string | null])[] = [];
	const filtered: string[] = [];
	let fails = false;
	const rooms = mirrorRooms({
		now: () => time,
		filtered: (reason) => void filtered.push(reason),
		later(ms, work) {
			const mine = { at: time + ms, work };
			timer = mine;
			return () => {
				if (timer === mine) timer = undefined;
			};
		},
		async receive(events) {
			if (fails) throw new Error("the journal is busy");
			for (const { value } of events) shown.push([time, value]);
		},
	});
	rooms.add(mirror);
	/** Lets the time pass until `ms`. */
	async function until(ms: number): Promise<void> {
		while (timer && timer.at <= ms) {
			const { at, work } = timer;
			timer = undefined;
			time = Math.max(time, at);
			await work().catch(() => undefined);
		}
		time = ms;
	}
	return {
		rooms,
		shown,
		filtered,
		until,
		fail: (does: boolean) => {
			fails = does;
		},
		/** Brings a value now; one that is shown at once counts as shown, too. */
		bring(value: string, topic = "door", more: Readonly<{ retain?: true }> = {}): void {
			for (const event of bring(rooms, topic, value, { at: time, ...more })) shown.push([time, event.value]);
		},
	};
}

describe("a debounced mirror", () => {
	test("a mirror that skips the values from before its subscription shows one in its latest message alone, after the silence", async () => {
		const shape = { only: { debounce: 2 }, show: "both", retained: "skip" } as const;
		const one = world(roomOf("home", "#", shapeText(shape)));
		one.bring("open", "door", { retain: true });
		await one.until(5_000);
		expect(one.shown).toEqual([[2_000, "open"]]);
		one.bring("closed");
		await one.until(10_000);
		expect(one.shown.slice(1)).toEqual([
			[7_000, "closed"],
			[7_000, "closed"],
		]);
	});

	test("shows the value that is left when a topic falls silent, and counts those before it", async () => {
		const one = world();
		for (const [at, value] of [
			[0, "open"],
			[1_000, "closed"],
			[1_500, "open"],
		] as const) {
			await one.until(at);
			one.bring(value);
		}
		await one.until(3_400);
		expect(one.shown).toEqual([]);
		await one.until(10_000);
		expect(one.shown).toEqual([[3_500, "open"]]);
		expect(one.filtered).toEqual(["debounce", "debounce"]);
	});

	test("asks its other conditions of the value that is left", async () => {
		const one = world();
		one.bring("open");
		await one.until(5_000);
		one.bring("closed");
		one.bring("open");
		await one.until(10_000);
		expect(one.shown.map(([, value]) => value)).toEqual(["open"]);
		expect(one.filtered).toEqual(["debounce", "changed"]);
	});

	test("shows a cleared topic at once, and not the value that waited", async () => {
		const one = world();
		one.bring("open");
		one.bring("");
		await one.until(10_000);
		expect(one.shown).toEqual([[0, null]]);
	});

	test("shows a value later that could not be taken", async () => {
		const one = world();
		one.bring("open");
		one.fail(true);
		await one.until(2_500);
		one.fail(false);
		await one.until(10_000);
		expect(one.shown.map(([, value]) => value)).toEqual(["open"]);
	});

	test("shows a value after a restart that came before it, and stores none that was shown", async () => {
		const before = world();
		before.bring("open");
		const stored = before.rooms.changes() as readonly Cursor[];
		const after = world();
		await after.rooms.load(async (prefix) => stored.filter(({ key }) => key.startsWith(prefix)));
		await after.until(2_000);
		expect(after.shown).toEqual([[2_000, "open"]]);
		expect(after.rooms.changes()).toEqual([{ key: stored[0]?.key, value: undefined }]);
	});

	test("forgets the waiting values of a room that is unlinked", async () => {
		const one = world();
		one.bring("open");
		one.rooms.remove(room);
		await one.until(10_000);
		expect(one.shown).toEqual([]);
	});

	test("shows the value that waits longest early, if 10,000 wait", async () => {
		const one = world();
		for (let topic = 0; topic <= 10_000; topic++) one.bring("1", `${topic}`);
		await one.until(100);
		expect(one.shown).toHaveLength(1);
	});
});

test("a debounced mirror shows exactly the values that silence follows, and counts the others", async () => {
	const pauses = fc.array(
		fc.integer({ min: 0, max: 40 }).map((tenths) => tenths * 100),
		{ maxLength: 30 },
	);
	await fc.assert(
		fc.asyncProperty(pauses, async (all) => {
			const one = world();
			let at = 0;
			for (const [index, pause] of all.entries()) {
				one.bring(`${index}`);
				at += pause;
				await one.until(at);
			}
			await one.until(at + 2_000);
			const followed = all.flatMap((pause, index) =>
				pause >= 2_000 || index === all.length - 1 ? [`${index}`] : [],
			);
			expect(one.shown.map(([, value]) => value)).toEqual(followed);
			expect(one.filtered).toHaveLength(all.length - followed.length);
		}),
	);
});

describe("a mirror of crossings that last", () => {
	const freezer = roomOf("home", "#", shapeText({ only: { above: -15, hysteresis: 2, for: 600 } }));
	/** Brings values at these seconds, and returns what is shown after an hour. */
	const shownOf = (...values: readonly (readonly [second: number, value: string])[]) =>
		shownBy(freezer, ...values);
	async function shownBy(
		mirror: typeof freezer,
		...values: readonly (readonly [second: number, value: string])[]
	) {
		const one = world(mirror);
		for (const [second, value] of values) {
			await one.until(second * 1_000);
			one.bring(value, "freezer");
		}
		await one.until(3_600_000);
		return one.shown.map(([at, value]) => [at / 1_000, value]);
	}

	test("shows a number that stays beyond the bound, as it is then, once", async () =>
		expect(await shownOf([0, "-20"], [10, "-14"], [300, "-9"], [609, "-8"], [700, "-7"])).toEqual([
			[610, "-8"],
		]));

	test("shows none that comes back before, and begins anew after that", async () => {
		expect(await shownOf([0, "-14"], [500, "-18"], [900, "-20"])).toEqual([]);
		expect(await shownOf([0, "-14"], [500, "-18"], [900, "-10"])).toEqual([[1_500, "-10"]]);
	});

	test("stays with a number within the hysteresis, and with words", async () =>
		expect(await shownOf([0, "-14"], [100, "-16"], [200, "offline"], [599, "-16.5"])).toEqual([
			[600, "-16.5"],
		]));

	test("shows one that has lasted with the next edit in place, also if it has come back by then", async () => {
		const spaced = shapeText({ only: { above: -15, for: 10 }, show: "state", interval: 600 });
		const values = [
			[0, "-14"],
			[20, "-20"],
			[30, "-10"],
			[50, "-9"],
			[60, "-20"],
		] as const;
		expect(await shownBy(roomOf("home", "#", spaced), ...values)).toEqual([
			[10, "-14"],
			[610, "-10"],
		]);
	});

	test("shows it after a restart, and not if the first value then has come back", async () => {
		for (const [value, shown] of [
			["-14", 1],
			["-20", 0],
		] as const) {
			const [before, after] = [world(freezer), world(freezer)];
			before.bring("-14", "freezer");
			const stored = before.rooms.changes() as readonly Cursor[];
			await after.rooms.load(async (prefix) => stored.filter(({ key }) => key.startsWith(prefix)));
			await after.until(100_000);
			after.bring(value, "freezer");
			await after.until(3_600_000);
			expect(after.shown).toHaveLength(shown);
		}
	});
});

test("a mirror with a pattern shows the values in which it finds something, and counts the others", () => {
	const filtered: string[] = [];
	const rooms = mirrorRooms({ filtered: (reason) => void filtered.push(reason) });
	rooms.add(roomOf("home", "#", shapeText({ value: "/state", only: { matches: "^(on|off)$" } })));
	const values = ["on", "unknown", "off"].map((state) => JSON.stringify({ state }));
	expect(values.map((value) => bring(rooms, "lamp", value).length)).toEqual([1, 0, 1]);
	expect(filtered).toEqual(["matches"]);
});

test("a pattern that would take exponential time elsewhere takes none here", () => {
	const rooms = mirrorRooms();
	rooms.add(roomOf("home", "#", shapeText({ only: { matches: "^(a+)+$" } })));
	expect(bring(rooms, "x", `${"a".repeat(16_000)}b`)).toEqual([]);
});
