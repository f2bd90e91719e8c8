import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Log } from "../../src/core/log.ts";
import { createDevices } from "../../src/mqtt/devices.ts";
import { controlsOf, isAnnouncement, readAnnouncement } from "../../src/mqtt/discovery.ts";
import { fromJinja } from "../../src/mqtt/jinja.ts";
import { compileTemplate } from "../../src/mqtt/template.ts";
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
		const template = "{% if value == 'x' %}on{% endif %}";
		devices.take(topic, JSON.stringify({ ...lamp, value_template: template }));
		expect(devices.at("lamp")?.read("x")).toBeUndefined();
		expect(said).toHaveLength(1);
		expect(said[0]).toContain("a value template of another form");
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

describe("a value template of Home Assistant", () => {
	const values = {
		value: "7",
		json: { temperature: 21.456, "a b": { c: [1, 2] }, state: "ON", "x/y": "z" },
		topic: "t",
		name: "n",
	};
	test.each([
		["{{ value }}", "7"],
		["{{ value_json.temperature }}", "21.456"],
		["{{ value_json.temperature | round(1) }}", "21.5"],
		["{{value_json.temperature|float|round(2)}}", "21.46"],
		["{{ value_json.temperature | int }}", "21"],
		["{{ value_json['a b'].c[1] }}", "2"],
		["{{ value_json['x/y'] }}", "z"],
		["{{- value_json.state | lower -}}", "on"],
		["{{ value_json.none | default('?') }}", "?"],
		["{{ value_json.none | default(0) | round(1) }}", "0.0"],
		["about {{ value_json.temperature | round }} degrees", "about 21 degrees"],
		["{{ value_json.temperature | is_defined }}", "21.456"],
	])("of the form %s is translated", (source, expected) => {
		const ours = fromJinja(source);
		expect(ours && compileTemplate(ours)(values)).toBe(expected);
	});

	test.each([
		"{% if value_json.x %}a{% endif %}",
		"{{ value_json.a if value_json.b else 0 }}",
		"{{ value_json.a * 2 }}",
		"{{ states('sensor.x') }}",
		"{{ value_json.__class__() }}",
		"{{ value | regex_replace('a', 'b') }}",
		"{{ value_json.a",
		"{# a comment #}{{ value }}",
	])("of the form %s is not", (source) => expect(fromJinja(source)).toBeUndefined());

	test("of whatever form is translated into a template of ours, or not at all", () => {
		const part = fc.constantFrom(
			"{{",
			"}}",
			"|",
			"value",
			"value_json",
			".a",
			"['b']",
			"round(1)",
			"float",
			" ",
			"x",
			'"',
		);
		fc.assert(
			fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
				const ours = fromJinja(parts.join(""));
				if (ours !== undefined) expect(typeof compileTemplate(ours)(values)).toBe("string");
			}),
		);
	});
});
