import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDevices } from "../../src/mqtt/devices.ts";
import { matches } from "../../src/mqtt/topics.ts";
import { vendorLine } from "../../src/mqtt/vendor-values.ts";
import { quiet } from "../fakes.ts";

const shelly = "shellyplus1-a8032abe54dc";

/** The payloads that the vendors document as examples, and the lines that people read. */
const examples: readonly (readonly [topic: string, payload: object | string, line: string | undefined])[] = [
	// https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html
	[
		"zigbee2mqtt/climate",
		{ battery: 100, humidity: 48.02, linkquality: 61, pressure: 1006, temperature: 23.11, voltage: 3015 },
		"battery 100 %, humidity 48.02 %, pressure 1006 hPa, temperature 23.11 °C, voltage 3015 mV",
	],
	[
		"zigbee2mqtt/my_bulb",
		{ state: "ON", brightness: 215, color_temp: 325 },
		"state ON, brightness 215, color temp 325",
	],
	[
		"zigbee2mqtt/hall",
		{ contact: false, linkquality: 76, last_seen: "2026-11-30T20:00:00Z" },
		"contact open",
	],
	[
		"zigbee2mqtt/remote",
		{ action: "arrow_left_click", update: { state: "idle" } },
		"action arrow_left_click",
	],
	// https://tasmota.github.io/docs/MQTT/
	[
		"tele/tasmota/STATE",
		{
			Time: "2019-02-26T10:33:22",
			Uptime: "1T20:25:41",
			UptimeSec: 159941,
			Heap: 27,
			SleepMode: "Dynamic",
			LoadAvg: 19,
			POWER: "ON",
			Wifi: { AP: 1, SSId: "x", RSSI: 68 },
		},
		"power ON",
	],
	[
		"tele/tasmota/SENSOR",
		{ Time: "2019-02-26T10:33:22", DS18B20: { Id: "01131B123456", Temperature: 20.6 }, TempUnit: "C" },
		"DS18B20 temperature 20.6 °C",
	],
	[
		"tele/tasmota/SENSOR",
		{ AM2301: { Temperature: 68.9, Humidity: 45 }, TempUnit: "F" },
		"AM2301 temperature 68.9 °F, AM2301 humidity 45 %",
	],
	[
		"tele/plug/SENSOR",
		{
			ENERGY: {
				TotalStartTime: "2019-01-01T00:00:00",
				Total: 3.185,
				Today: 0.156,
				Power: 12,
				Voltage: 231,
				Current: 0.05,
			},
		},
		"energy total 3.185 kWh, energy today 0.156 kWh, energy power 12 W, energy voltage 231 V, energy current 0.05 A",
	],
	["stat/tasmota/RESULT", { POWER: "OFF" }, "power OFF"],
	// https://shelly-api-docs.shelly.cloud/gen1/#mqtt-support
	["shellies/shelly1pm-AABBCC/relay/0", "on", undefined],
	["shellies/shelly1pm-AABBCC/relay/0/power", "23.52", "23.52 W"],
	["shellies/shellyht-AABBCC/sensor/temperature", "21.5", "21.5 °C"],
	["shellies/shellyht-AABBCC/sensor/humidity", "47.5", "47.5 %"],
	// https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt
	[
		`${shelly}/status/switch:0`,
		{
			id: 0,
			source: "WS_in",
			output: false,
			apower: 0,
			voltage: 225.9,
			current: 0,
			aenergy: { total: 11.679, by_minute: [0, 0, 0], minute_ts: 1654865249 },
			temperature: { tC: 53.3, tF: 127.9 },
		},
		"output off, apower 0 W, voltage 225.9 V, current 0 A, aenergy total 11.679 Wh, temperature 53.3 °C",
	],
	[
		`${shelly}/events/rpc`,
		{
			src: shelly,
			dst: `${shelly}/events`,
			method: "NotifyStatus",
			params: { ts: 1631266595.43, "switch:0": { id: 0, output: true, source: "MQTT" } },
		},
		"switch:0 output on",
	],
	[
		`${shelly}/events/rpc`,
		{
			src: shelly,
			method: "NotifyEvent",
			params: { ts: 1631266595.4, events: [{ component: "input:0", id: 0, event: "single_push", ts: 1 }] },
		},
		"input:0 single push",
	],
	// https://esphome.io/components/mqtt.html
	["livingroom/sensor/temperature/state", "23.4", undefined],
	[
		"livingroom/light/lamp/state",
		{ state: "ON", brightness: 128, color: { r: 255, g: 0, b: 0 } },
		"state ON, brightness 128, color r 255, color g 0, color b 0",
	],
];

describe("without an announcement, the documented payload", () => {
	const devices = createDevices("homeassistant", quiet);
	test.each(examples)("on %s of %j reads %j", (topic, payload, line) => {
		const text = typeof payload === "string" ? payload : JSON.stringify(payload);
		expect(devices.at(topic)?.read(text)?.line).toBe(line);
	});
});

describe("a topic for programs", () => {
	const devices = createDevices("homeassistant", quiet);
	test.each([
		["zigbee2mqtt/bridge/devices", ["zigbee2mqtt/bridge/devices", "zigbee2mqtt/bridge/#"]],
		["zigbee2mqtt/bridge/state", ["zigbee2mqtt/bridge/#"]],
		["zigbee2mqtt/lamp/availability", ["zigbee2mqtt/+/availability"]],
		["tele/plug/LWT", ["tele/+/LWT"]],
		["shellies/shelly1-AABBCC/info", []],
		["zigbee2mqtt/lamp", ["#", "zigbee2mqtt/#", "zigbee2mqtt/+"]],
	])("such as %s is shown by these filters alone: %j", (topic, wanted) => {
		const filters = [
			...["#", "zigbee2mqtt/#", "zigbee2mqtt/+", "zigbee2mqtt/bridge/devices", "zigbee2mqtt/bridge/#"],
			...["zigbee2mqtt/+/availability", "+/+/LWT", "tele/+/LWT", "shellies/+/#"],
		];
		const matching = filters.filter((filter) => matches(filter, topic));
		expect(devices.showing(topic, matching)).toEqual(wanted);
	});
});

test("a payload of whatever content is read without a fault, as a line of bounded length", () => {
	const vendor = fc.constantFrom("Zigbee2MQTT", "Tasmota", "Shelly", "ESPHome", "__proto__");
	fc.assert(
		fc.property(vendor, fc.json({ maxDepth: 7 }), (name, payload) => {
			const read = vendorLine(name, "shellies/x/power", payload);
			if (read) expect(read.line.length).toBeLessThan(30 * payload.length + 100);
		}),
	);
});
