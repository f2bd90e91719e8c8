import { describe, expect, test } from "vitest";
import type { CommandCall } from "../../src/core/command.ts";
import type { Media, State } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Bridge } from "../../src/core/network.ts";
import type { Person } from "../../src/core/person.ts";
import { noReadings, type ReadingChanges, type Readings } from "../../src/core/readings.ts";
import type { Chart } from "../../src/mqtt/chart/chart-svg.ts";
import { device } from "../../src/mqtt/from-mqtt.ts";
import { createLatest, leadingNumber } from "../../src/mqtt/latest.ts";
import { valueCommands } from "../../src/mqtt/value-commands.ts";

const room = "home/#" as RoomId;
const value = (key: string, text: string | null, at = Date.now()): State => ({
	kind: "state",
	id: `${key} ${text}` as MessageId,
	room,
	sender: device("home", key),
	at,
	key,
	label: key.split("/").join(" "),
	value: text,
});

describe("the latest values of a room", () => {
	test("stand in the order of their topics, each once", () => {
		const latest = createLatest(noReadings);
		for (const one of [value("b", "1"), value("a", "2"), value("b", "3"), value("c", null)])
			latest.note(one, one.value);
		expect(latest.of(room).map(({ topic, value: text }) => [topic, text])).toEqual([
			["a", "2"],
			["b", "3"],
			["c", null],
		]);
		latest.forget(room);
		expect(latest.of(room)).toEqual([]);
	});
	test("are those of the 2,000 topics that spoke last", () => {
		const latest = createLatest(noReadings);
		for (let n = 0; n < 2_001; n++) latest.note(value(`${n}`, "x"), "x");
		expect(latest.of(room)).toHaveLength(2_000);
		expect(latest.of(room).some(({ topic }) => topic === "0")).toBe(false);
	});
	test("take no more than a megabyte, however long the topics are", () => {
		const latest = createLatest(noReadings);
		for (let n = 0; n < 200; n++) latest.note(value(`${n}${"x".repeat(20_000)}`, "x"), "x");
		const kept = latest.of(room);
		expect(kept.length).toBeGreaterThan(5);
		expect(kept.length * 2 * 20_000).toBeLessThan(1_048_576);
		expect(kept.some(({ topic }) => topic.startsWith("199"))).toBe(true);
	});
});

describe("the store of values", () => {
	/** Keeps all that is saved. */
	function recording(latest: Readings["latest"] = () => []) {
		const saved: ReadingChanges[] = [];
		return {
			saved,
			readings: { ...noReadings, latest, save: (one: ReadingChanges) => void saved.push(one) },
		};
	}

	test("is the latest of each topic, the end of a forgotten one, and the numbers, each once", () => {
		const { saved, readings } = recording();
		const latest = createLatest(readings);
		for (const text of ["20 °C", "21 °C", "warm"]) latest.note(value("a", text, 5), text);
		latest.save();
		latest.save();
		expect(saved).toEqual([
			{
				latest: [{ room, topic: "a", label: "a", value: "warm", at: 5 }],
				gone: [],
				samples: [20, 21].map((number) => ({ room, topic: "a", at: 5, value: number })),
			},
			{ latest: [], gone: [], samples: [] },
		]);
		for (let n = 0; n < 2_000; n++) latest.note(value(`${n}`, "x"), "x");
		latest.save();
		expect(saved.at(-1)?.gone).toEqual([{ room, topic: "a" }]);
	});

	test("is taken at the next start, for rooms that are linked still", () => {
		const stored = ["home/#", "home/old"].map((at) => ({
			...{ room: at as RoomId, topic: "a", label: "a", value: "1", at: 5 },
		}));
		const latest = createLatest(recording(() => stored).readings);
		latest.load((at) => at === room);
		expect(latest.of(room)).toEqual([{ topic: "a", label: "a", value: "1", at: 5 }]);
		expect(latest.of("home/old" as RoomId)).toEqual([]);
	});

	test("are at most 60 numbers of a topic at once", () => {
		const { saved, readings } = recording();
		const latest = createLatest(readings);
		for (let n = 0; n < 1_000; n++) latest.note(value("a", `${n}`), `${n}`);
		latest.save();
		expect(saved[0]?.samples).toHaveLength(60);
	});

	test.each([
		["21.5", 21.5],
		["21.5 °C", 21.5],
		["-3%", -3],
		["1e3 W", 1000],
		["2026-11-30T19:15", undefined],
		["12:30", undefined],
		["1.2.3", undefined],
		["on", undefined],
		["", undefined],
	])("is of %j the number %j", (text, number) => expect(leadingNumber(text)).toBe(number));
});

describe("in a room that shows values, a person", () => {
	const latest = createLatest(noReadings);
	latest.note(value("home/kitchen", "20 °C", Date.now() - 120_000), "20 °C");
	latest.note(value("home/hall", null), null);
	const links = [{ network: "mqtt", room }];
	const bridge = { portal: async (_: string, at: string) => (at === "!r" ? { links } : undefined) };
	const drawn: Chart[] = [];
	const picture = { kind: "image", name: "x.png" } as Media;
	const bridgeNow = {
		...bridge,
		allows: ({ id }: Person) => id === "admin",
		sees: async ({ id }: Person, of: string, at: string) => id === "member" && of === "mqtt" && at === room,
	} as unknown as Bridge;
	const commands = valueCommands({
		bridge: () => bridgeNow,
		latest: latest.of,
		rooms: latest.rooms,
		samples: (_, topic, since) =>
			topic === "home/kitchen" ? [{ room, topic, at: since + 1, value: 20 }] : [],
		async draw(chart) {
			drawn.push(chart);
			return picture;
		},
		file: ({ topic }) => (topic === "home/camera" ? picture : undefined),
	});
	const say = (name: string, args: string, at = "!r", more: object = {}) =>
		commands
			.find((one) => one.name === name)
			?.run(
				{ network: "matrix", room: at, prefix: "!bridge ", sender: {}, ...more } as unknown as CommandCall,
				args,
			)
			.catch((error: Error) => error.message);

	test("lists them, and the topic filters of the room", async () =>
		expect(await say("list", "")).toMatch(
			/^home\/hall: cleared \(1 second ago\)\nhome\/kitchen: 20 °C \(2 minutes ago\)\nShown here: \S+$/,
		));
	test("gets one by its topic or its name", async () => {
		expect(await say("get", "home/kitchen")).toBe("home/kitchen: 20 °C (2 minutes ago)");
		expect(await say("get", "Home Kitchen")).toBe("home/kitchen: 20 °C (2 minutes ago)");
	});
	test("reads what can be asked where nothing has come", async () => {
		expect(await say("get", "cellar")).toBe(
			"nothing has come from “cellar” yet. This lists the topics with values: !bridge list",
		);
		expect(await say("list", "", "!other")).toBe("this room shows nothing from MQTT.");
	});

	test("gets the file that a thing sent", async () => {
		latest.note(value("home/camera", "3 bytes"), "hash", "hash");
		expect(await say("get", "home/camera")).toEqual({
			text: expect.stringContaining("home/camera: 3 bytes"),
			file: picture,
		});
	});

	test("gets a chart of a thing's numbers, of a day or another time", async () => {
		expect(await say("chart", "home/kitchen")).toEqual({
			text: "home kitchen, the last 24h: 1 value.",
			file: picture,
		});
		await say("chart", '"home kitchen" 7d');
		expect(drawn.map(({ title, unit, from, to }) => [title, unit, (to - from) / 3_600_000])).toEqual([
			["home kitchen", "°C", 24],
			["home kitchen", "°C", 168],
		]);
	});

	test("reads why there is no chart", async () => {
		expect(await say("chart", "home/hall 30m")).toContain("had no numbers in that time");
		expect(await say("chart", "home/cellar")).toContain("nothing has come");
		expect(await say("chart", "home/kitchen 1y")).toContain("chart");
	});

	test("gets in a room alone with the bot the values of rooms that they are in, and as an admin all", async () => {
		const alone = (id: string) => say("get", "home/kitchen", "!alone", { private: true, sender: { id } });
		expect(await alone("admin")).toContain("20 °C");
		expect(await alone("member")).toContain("20 °C");
		expect(await alone("ann")).toBe("none of the rooms that you are in shows anything from MQTT.");
	});
});
