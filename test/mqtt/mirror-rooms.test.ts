import { describe, expect, test } from "vitest";
import { shapeText } from "../../src/mqtt/shape.ts";
import { roomOf } from "../../src/mqtt/topics.ts";
import { bring, mirrorRooms, type Rooms } from "./rooms.ts";

const changed = roomOf("home", "#", shapeText({ only: { changed: true } }));

/** Publishes a value, and returns the rooms that show it. */
const publish = (rooms: Rooms, topic: string, value: string): string[] =>
	bring(rooms, topic, value).map(({ room }) => room);

describe("a mirror that shows changes", () => {
	test("shows an equal value again after the topic was cleared", () => {
		const rooms = mirrorRooms();
		rooms.add(changed);
		expect([publish(rooms, "a", "1"), publish(rooms, "a", "1")]).toEqual([[changed], []]);
		expect([publish(rooms, "a", ""), publish(rooms, "a", "1")]).toEqual([[changed], [changed]]);
	});

	test("shows a value again that could not be taken", () => {
		const rooms = mirrorRooms();
		rooms.add(changed);
		publish(rooms, "a", "1");
		rooms.forget("home", [{ topic: "a" }]);
		expect(publish(rooms, "a", "1")).toEqual([changed]);
	});

	test("forgets the oldest of 20,000 topics, and shows its next value", () => {
		const rooms = mirrorRooms();
		rooms.add(changed);
		for (let topic = 0; topic <= 20_000; topic++) publish(rooms, `topic ${topic}`, "1");
		expect(publish(rooms, "topic 20000", "1")).toEqual([]);
		expect(publish(rooms, "topic 0", "1")).toEqual([changed]);
	});
});

describe("the course of a topic in a flood", () => {
	const value = (text: string) => ({
		...{ topic: "a", payload: Buffer.from(text), qos: 0 as const, dup: false, retain: false },
		...{ packetId: undefined, subscriptions: [] },
	});
	const rooms = mirrorRooms();
	const shape = { value: "/level", only: { above: 8 } };
	rooms.add(roomOf("home", "#", shapeText(shape)));
	rooms.add(roomOf("home", "a", shapeText({ show: "state" })));

	test("follows the conditions of all its mirrors, as each reads the value", () => {
		const { pace, sort } = rooms.course("home", "a");
		expect(pace).toBe("latest");
		const uses = ['{"level":3}', '{"level":9}', '{"level":3}', ""].map((text) => sort(value(text)).name);
		expect(new Set(uses).size).toBe(3);
	});

	test("is that of the mirrors that are there now", () => {
		const other = mirrorRooms();
		other.add(changed);
		expect(other.course("home", "a").pace).toBe("digest");
		expect(other.course("away", "a").pace).toBe("each");
		other.add(roomOf("home", "a", shapeText({ only: { debounce: 1 } })));
		expect(other.course("home", "a").sort(value("x")).use).toBe("shown");
		other.remove(changed);
		expect(other.course("home", "a").sort(value("x")).use).toBe("debounced");
	});
});

describe("a mirror that skips what a broker retains from before its subscription", () => {
	const values = (show: "message" | "state" | "both") => {
		const left: string[] = [];
		const rooms = mirrorRooms({ filtered: (reason) => void left.push(reason) });
		const room = roomOf("home", "#", shapeText({ retained: "skip", show }));
		rooms.add(room);
		const kept = bring(rooms, "a", "on", { retain: true, id: "1" }).map(({ id }) => id);
		return { kept, left, known: rooms.latest(room), news: bring(rooms, "a", "on", { id: "2" }) };
	};

	test("shows it as no message, knows it, and shows the next value although it is the same", () => {
		const { kept, left, known, news } = values("message");
		expect([kept, left, known[0]?.value, news.length]).toEqual([[], ["retained"], "on", 1]);
	});

	test("shows it in the message of the latest value alone, where it has one", () => {
		expect(values("state").kept).toEqual(["1"]);
		const { kept, news } = values("both");
		expect(kept).toHaveLength(1);
		expect(news.map(({ replaces }) => replaces?.id)).toEqual([undefined, kept[0]]);
	});
});

test("a room with one filter twice takes the value from the one with a shape", () => {
	const rooms = mirrorRooms();
	const plain = roomOf("home", "#");
	rooms.add(plain);
	rooms.add(changed);
	expect(publish(rooms, "a", "1")).toEqual([changed, plain]);
	rooms.remove(changed);
	expect(publish(rooms, "a", "1")).toEqual([plain]);
	expect(rooms.uses("home", "#")).toBe(true);
});

test("the topics of one device share an account that is named after it, and keep names of their own", () => {
	const rooms = mirrorRooms();
	rooms.add(roomOf("home", "#", shapeText({ device: "{{topic.2}}" })));
	const shown = ["z/lamp_1/power", "z/lamp_1/state", "z/door/state"].flatMap((topic) =>
		bring(rooms, topic, "").map(({ sender, label }) => [sender.id, sender.name, label]),
	);
	expect(shown).toEqual([
		["home/lamp_1", "lamp 1", "lamp 1 power"],
		["home/lamp_1", "lamp 1", "lamp 1 state"],
		["home/door", "door", "door state"],
	]);
});

test.each([
	["by its topic", {}, "kitchen lamp"],
	["by a template over the topic", { name: "The {{topic.1}}" }, "The kitchen"],
	["by a template over the value", { name: "{{json.n}}" }, "Desk lamp"],
	["as its device announces it", {}, "Lamp", { name: "Lamp" }],
	["with a device of several topics", { device: "{{topic.1}}" }, "kitchen"],
])(
	"the thing of an answer is the one that shows the value, named %s",
	(_, shape, name, known?: { name: string }) => {
		const rooms = mirrorRooms({ ...(known && { thing: () => ({ ...known, read: () => undefined }) }) });
		const room = roomOf("home", "#", shapeText(shape));
		rooms.add(room);
		const [event] = bring(rooms, "kitchen/lamp", '{"n":"Desk lamp"}');
		expect(event?.sender.name).toBe(name);
		const { id, handles } = rooms.person(room, "kitchen/lamp");
		expect({ id, handles, name: rooms.person(room, "kitchen/lamp").name }).toEqual({
			id: event?.sender.id,
			handles: event?.sender.handles,
			name,
		});
	},
);
