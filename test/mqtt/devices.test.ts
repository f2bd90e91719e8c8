import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Log } from "../../src/core/log.ts";
import { controlsOf } from "../../src/mqtt/controls.ts";
import { createDevices } from "../../src/mqtt/devices.ts";
import { isAnnouncement, readAnnouncement } from "../../src/mqtt/discovery.ts";
import { quiet } from "../fakes.ts";
import fixtures from "./devices.json" with { type: "json" };

type Fixture = Readonly<{
	device: string;
	announcements: Readonly<Record<string, object>>;
	topic: string;
	payload: unknown;
	name: string;
	line?: string;
	controls: readonly object[];
	online: Readonly<Record<string, string>>;
	offline: Readonly<Record<string, string>>;
}>;
const textOf = (payload: unknown) => (typeof payload === "string" ? payload : JSON.stringify(payload));

describe.each(fixtures as unknown as readonly Fixture[])("$device", (one) => {
	const devices = createDevices("homeassistant", quiet);
	for (const [topic, payload] of Object.entries(one.announcements))
		devices.take(topic, JSON.stringify(payload));

	test("has its name, and a value that people can read", () => {
		expect(devices.at(one.topic)?.name).toBe(one.name);
		expect(devices.at(one.topic)?.read(textOf(one.payload))?.line).toBe(one.line);
	});

	test("says whether it is there", () => {
		const { watches } = devices.watches(one.topic);
		for (const [says, expected] of [
			[one.online, true],
			[one.offline, false],
		] as const)
			for (const [topic, payload] of Object.entries(says))
				expect(watches.find((watch) => watch.topic === topic)?.isOnline(payload)).toBe(expected);
	});

	test("has its controls", () => {
		const found = devices.controls(one.topic);
		expect(found).toHaveLength(one.controls.length);
		expect(found).toMatchObject(one.controls);
	});
});

describe("an announcement", () => {
	const topic = "homeassistant/switch/lamp/config";
	const lamp = { name: "Lamp", state_topic: "lamp", command_topic: "lamp/set" };

	test("removes its device when it is empty, and a newer one takes its place", () => {
		const devices = createDevices("homeassistant", quiet);
		expect(devices.take(topic, JSON.stringify(lamp))).toBe(true);
		expect(devices.at("lamp")?.name).toBe("Lamp");
		devices.take(topic, JSON.stringify({ ...lamp, name: "Light" }));
		expect(devices.at("lamp")?.name).toBe("Light");
		expect(devices.take(topic, "")).toBe(false);
		expect(devices.at("lamp")).toBeUndefined();
	});

	test.each([
		["homeassistant/sensor/x/config", true],
		["homeassistant/sensor/node/x/config", true],
		["homeassistant/sensor/config", false],
		["homeassistant/sensor/a/b/c/config", false],
		["home/sensor/x/config", false],
		["homeassistant/status", false],
	])("has a topic such as %s: %s", (name, is) => expect(isAnnouncement("homeassistant", name)).toBe(is));

	test.each([
		["all", "all"],
		["any", "any"],
		["latest", "latest"],
		[undefined, "latest"],
	])("with the availability mode %s follows its topics so: %s", (availability_mode, mode) => {
		const devices = createDevices("homeassistant", quiet);
		const availability = [{ t: "bridge" }, { topic: "lamp/here" }];
		devices.take(topic, JSON.stringify({ ...lamp, availability, availability_mode }));
		expect(devices.watches("lamp")).toMatchObject({
			mode,
			watches: [{ topic: "bridge" }, { topic: "lamp/here" }],
		});
	});

	test("is told in the log when it is no JSON object, and takes nothing", () => {
		const said: string[] = [];
		const log: Log = { ...quiet, info: (_, message) => void said.push(message) };
		const devices = createDevices("homeassistant", log);
		for (const payload of ["no", "[]", "1", "null"]) expect(devices.take(topic, payload)).toBe(false);
		expect(new Set(said)).toEqual(new Set(["an announcement of a device could not be read"]));
	});

	test("with a template of another form is told once, and its values are shown as they come", () => {
		const said: string[] = [];
		const log: Log = { ...quiet, info: (_, message) => void said.push(message) };
		const devices = createDevices("homeassistant", log);
		const template = "{{ states('sensor.x') }}";
		devices.take(topic, JSON.stringify({ ...lamp, value_template: template }));
		expect(devices.at("lamp")?.read("x")).toBeUndefined();
		expect(said).toHaveLength(1);
		expect(said[0]).toContain("a value template of another form");
	});

	test("with a command template of another form offers no such command, and says so once", () => {
		const said: string[] = [];
		const log: Log = { ...quiet, info: (_, message) => void said.push(message) };
		const devices = createDevices("homeassistant", log);
		devices.take(topic, JSON.stringify({ ...lamp, command_template: "{{ states('sensor.x') }}" }));
		expect(devices.controls("lamp")).toEqual([]);
		expect(devices.at("lamp")?.read("ON")?.line).toBe("ON");
		expect(said).toEqual([expect.stringContaining("a command template of another form")]);
	});

	test("may name its state topic with a wildcard before the last level, and is forgotten with it", () => {
		const devices = createDevices("homeassistant", quiet);
		devices.take(topic, JSON.stringify({ ...lamp, state_topic: "+/+/lamp" }));
		expect(devices.at("home/one/lamp")?.name).toBe("Lamp");
		expect(devices.at("home/lamp")).toBeUndefined();
		for (const other of ["#", "home/+", "+/#", "$SYS/x"]) {
			devices.take("homeassistant/switch/other/config", JSON.stringify({ name: "All", state_topic: other }));
			expect(devices.at("home/x")).toBeUndefined();
		}
		devices.take(topic, "");
		expect(devices.at("home/one/lamp")).toBeUndefined();
	});

	test("has the modes of Home Assistant for a thermostat that names none", () => {
		const devices = createDevices("homeassistant", quiet);
		const climate = { name: "Heater", mode_stat_t: "heater", mode_cmd_t: "heater/set" };
		devices.take("homeassistant/climate/heater/config", JSON.stringify(climate));
		expect(devices.controls("heater")).toMatchObject([
			{ name: "Heater mode", options: ["auto", "off", "cool", "heat", "dry", "fan_only"] },
		]);
	});

	test("with a wildcard in a topic names no such topic", () => {
		const [entity] =
			readAnnouncement(
				"homeassistant",
				topic,
				JSON.stringify({ ...lamp, cmd_t: "a/#", command_topic: "+" }),
			) ?? [];
		expect(entity?.commandTopic).toBeUndefined();
	});

	test("of whatever content neither throws nor makes controls without a topic", () => {
		const prefix = "homeassistant";
		fc.assert(
			fc.property(
				fc.json(),
				fc.constantFrom("sensor", "device", "cover", "__proto__"),
				(payload, component) => {
					const found = readAnnouncement(prefix, `${prefix}/${component}/x/config`, payload) ?? [];
					expect(controlsOf(found).every((one) => one.topic !== "")).toBe(true);
				},
			),
		);
	});
});
