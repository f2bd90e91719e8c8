import { describe, expect, test } from "vitest";
import type { Cursor } from "../../src/core/network.ts";
import { type Shape, shapeText } from "../../src/mqtt/shape.ts";
import { roomOf } from "../../src/mqtt/topics.ts";
import { bring, mirrorRooms, type Rooms } from "./rooms.ts";

const roomFor = (shape: Shape) => roomOf("home", "#", shapeText(shape));
const inPlace = roomFor({ show: "state" });

/** Publishes a value under an id, and returns each event that shows it: its id, and the id that it replaces. */
const publish = (rooms: Rooms, id: string, at = 0, topic = "a"): readonly (readonly [string, string?])[] =>
	bring(rooms, topic, id, { id, at }).map((event) =>
		event.replaces ? [event.id, event.replaces.id] : [event.id],
	);
function of(shape: Shape): Rooms {
	const rooms = mirrorRooms();
	rooms.add(roomFor(shape));
	return rooms;
}

describe("a mirror in place", () => {
	test("shows all values of a topic in one message, and those of another topic in its own", () => {
		const rooms = of({ show: "state" });
		expect([
			publish(rooms, "1"),
			publish(rooms, "2"),
			publish(rooms, "3", 0, "b"),
			publish(rooms, "4"),
		]).toEqual([[["1"]], [["2", "1"]], [["3"]], [["4", "1"]]]);
	});

	test("begins a new message after 200 values, and after a day", () => {
		const rooms = of({ show: "state" });
		for (let n = 0; n <= 200; n++) publish(rooms, `${n}`);
		expect(publish(rooms, "next")).toEqual([["next"]]);
		expect(publish(rooms, "later", 24 * 60 * 60_000)).toEqual([["later"]]);
	});

	test("shows each value and the latest one, if both are wanted", () => {
		const rooms = of({ show: "both" });
		expect([publish(rooms, "1"), publish(rooms, "2")]).toEqual([
			[["1"], ["latest 1"]],
			[["2"], ["latest 2", "latest 1"]],
		]);
	});

	test.each(["state", "both"] as const)(
		"is edited once in its interval, with the last value: %s",
		async (show) => {
			const clock = { now: 1_000_000 };
			const timers: { at: number; work: () => Promise<void> }[] = [];
			const said: string[] = [];
			let merged = 0;
			const rooms = mirrorRooms({
				now: () => clock.now,
				merged: () => merged++,
				receive: async (events) =>
					void said.push(...events.map(({ id, replaces }) => `${id} for ${replaces?.id}`)),
				later(ms, work) {
					const timer = { at: clock.now + ms, work };
					timers.push(timer);
					return () => void timers.splice(timers.indexOf(timer), 1);
				},
			});
			rooms.add(roomFor({ show, interval: 30 }));
			const own = (id: string) => (show === "both" ? [[id]] : []);
			const name = (id: string) => (show === "both" ? `latest ${id}` : id);
			expect(publish(rooms, "1", clock.now)).toEqual([...own("1"), [name("1")]]);
			for (const id of ["2", "3", "4"]) {
				clock.now += 5_000;
				expect(publish(rooms, id, clock.now)).toEqual(own(id));
			}
			expect(timers.map(({ at }) => at)).toEqual([1_030_000]);
			clock.now = 1_030_000;
			await timers.shift()?.work();
			expect([said, merged]).toEqual([[`${name("4")} for ${name("1")}`], 2]);
			clock.now += 29_000;
			expect(publish(rooms, "5", clock.now)).toEqual(own("5"));
			clock.now += 60_000;
			await timers.shift()?.work();
			clock.now += 30_000;
			expect(publish(rooms, "6", clock.now)).toEqual([...own("6"), [name("6"), name("1")]]);
		},
	);

	test("goes on with the stored message of an earlier run", async () => {
		const [before, after] = [of({ show: "state" }), of({ show: "state" })];
		publish(before, "1");
		const stored = before.changes() as readonly Cursor[];
		await after.load(async (prefix) => stored.filter(({ key }) => key.startsWith(prefix)));
		expect(publish(after, "2")).toEqual([["2", "1"]]);
		expect(before.changes()).toEqual([]);
	});

	test("begins a new message where the first one was not taken", () => {
		const rooms = of({ show: "state" });
		publish(rooms, "1");
		rooms.forget("home", [{ topic: "a" }]);
		expect(publish(rooms, "2")).toEqual([["2"]]);
	});
});

test("messages are the default, so a mirror that names it is the same room", () =>
	expect([roomFor({ show: "message" }), inPlace]).toEqual(["home/#", '{"show":"state"}\nhome/#']));
