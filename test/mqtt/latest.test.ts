import { describe, expect, test } from "vitest";
import type { CommandCall } from "../../src/core/command.ts";
import type { State } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Bridge } from "../../src/core/network.ts";
import { device } from "../../src/mqtt/from-mqtt.ts";
import { createLatest } from "../../src/mqtt/latest.ts";
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
		const latest = createLatest();
		for (const one of [value("b", "1"), value("a", "2"), value("b", "3"), value("c", null)]) latest.note(one);
		expect(latest.of(room).map(({ topic, value: text }) => [topic, text])).toEqual([
			["a", "2"],
			["b", "3"],
			["c", null],
		]);
		latest.forget(room);
		expect(latest.of(room)).toEqual([]);
	});
	test("are those of the 2,000 topics that spoke last", () => {
		const latest = createLatest();
		for (let n = 0; n < 2_001; n++) latest.note(value(`${n}`, "x"));
		expect(latest.of(room)).toHaveLength(2_000);
		expect(latest.of(room).some(({ topic }) => topic === "0")).toBe(false);
	});
	test("take no more than a megabyte, however long the topics are", () => {
		const latest = createLatest();
		for (let n = 0; n < 200; n++) latest.note(value(`${n}${"x".repeat(20_000)}`, "x"));
		const kept = latest.of(room);
		expect(kept.length).toBeGreaterThan(5);
		expect(kept.length * 2 * 20_000).toBeLessThan(1_048_576);
		expect(kept.some(({ topic }) => topic.startsWith("199"))).toBe(true);
	});
});

describe("in a room that shows values, a person", () => {
	const latest = createLatest();
	latest.note(value("home/kitchen", "20 °C", Date.now() - 120_000));
	latest.note(value("home/hall", null));
	const links = [{ network: "mqtt", room }];
	const bridge = { portal: async (_: string, at: string) => (at === "!r" ? { links } : undefined) };
	const commands = valueCommands({ bridge: () => bridge as unknown as Bridge, latest: latest.of });
	const say = (name: string, args: string, at = "!r") =>
		commands
			.find((one) => one.name === name)
			?.run({ network: "matrix", room: at, prefix: "!bridge " } as unknown as CommandCall, args)
			.catch((error: Error) => error.message);

	test("lists them", async () =>
		expect(await say("list", "")).toBe(
			"home/hall: cleared (1 second ago)\nhome/kitchen: 20 °C (2 minutes ago)",
		));
	test("gets one by its topic or its name", async () => {
		expect(await say("get", "home/kitchen")).toBe("home/kitchen: 20 °C (2 minutes ago)");
		expect(await say("get", "Home Kitchen")).toBe("home/kitchen: 20 °C (2 minutes ago)");
	});
	test("reads what can be asked where nothing has come", async () => {
		expect(await say("get", "cellar")).toBe(
			"nothing has come from “cellar” since the bridge started. What has come: !bridge list",
		);
		expect(await say("list", "", "!other")).toBe("this room shows nothing from MQTT.");
	});
});
