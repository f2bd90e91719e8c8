import { table } from "../core/table.ts";
import { jsonIn } from "./json-pointer.ts";

/** The values of devices that announce nothing, by the documents of their vendors: pure, from a payload to a line. */

/** Most values in one line, and levels of the JSON that are read. */
const [most, deepest] = [12, 4];

/** Names of values about the radio, the software or the message itself, which people rarely look at. */
const skipped = new Set(
	(
		"linkquality last_seen update update_available device color_mode power_on_behavior " +
		"Time TempUnit Id Uptime UptimeSec Heap SleepMode Sleep LoadAvg MqttCount Wifi TotalStartTime Vcc " +
		"id source ts src dst method minute_ts by_minute tF"
	).split(" "),
);
/** Names that say nothing beside those around them. */
const silent = new Set(["params", "tC"]);

/** Units by the names of values. */
const units = table<string>({
	apower: "W",
	battery: "%",
	current: "A",
	humidity: "%",
	illuminance_lux: "lx",
	lux: "lx",
	power: "W",
	pressure: "hPa",
	tC: "°C",
	temperature: "°C",
});
/** Units that the vendors do not share. */
const unitsOf = table<Readonly<Record<string, string>>>({
	Zigbee2MQTT: { energy: "kWh", voltage: "mV" },
	Tasmota: { today: "kWh", total: "kWh", voltage: "V", yesterday: "kWh" },
	Shelly: { aenergy: "Wh", total: "Wh", voltage: "V" },
});
/** The words for true and false of things that have better ones. */
const words = table<readonly [yes: string, no: string]>({
	contact: ["closed", "open"],
	output: ["on", "off"],
	state: ["on", "off"],
});

type Value = Readonly<{ name: string; text: string }>;
const isRaw = (value: unknown): value is Record<string, unknown> =>
	typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns a name as people read it: `device_temperature` and `ENERGY` in small letters, `DS18B20` as it is. */
function readable(name: string): string {
	if (/\d/.test(name) || silent.has(name)) return silent.has(name) ? "" : name;
	const spaced = name.replaceAll("_", " ");
	const [first = ""] = spaced;
	return spaced === spaced.toUpperCase() ? spaced.toLowerCase() : first.toLowerCase() + spaced.slice(1);
}

/** Returns the values in a JSON object with the names that lead to them. */
function valuesIn(
	raw: Record<string, unknown>,
	vendor: string,
	before: string,
	depth: number,
): readonly Value[] {
	const fahrenheit = raw.TempUnit === "F";
	return Object.entries(raw).flatMap(([key, value]): readonly Value[] => {
		if (skipped.has(key) || value === null) return [];
		const name = [before, readable(key)].filter(Boolean).join(" ");
		if (isRaw(value)) {
			const inner = fahrenheit ? { ...value, TempUnit: "F" } : value;
			return depth < deepest ? valuesIn(inner, vendor, name, depth + 1) : [];
		}
		if (Array.isArray(value)) return key === "events" ? eventsIn(value) : [];
		if (typeof value === "boolean") {
			const [yes, no] = words[key] ?? ["yes", "no"];
			return [{ name, text: value ? yes : no }];
		}
		if (typeof value === "number") {
			const unit = unitsOf[vendor]?.[key.toLowerCase()] ?? units[key] ?? units[key.toLowerCase()];
			return [{ name, text: unit ? `${value} ${unit === "°C" && fahrenheit ? "°F" : unit}` : String(value) }];
		}
		return typeof value === "string" && value !== "" ? [{ name, text: value }] : [];
	});
}

/** Returns the events of a Shelly of the second generation, such as a push of a button. // Shelly API, "NotifyEvent" */
const eventsIn = (events: readonly unknown[]): readonly Value[] =>
	events.flatMap((one) =>
		isRaw(one) && typeof one.component === "string" && typeof one.event === "string"
			? [{ name: one.component, text: one.event.replaceAll("_", " ") }]
			: [],
	);

/**
 * Returns the line of a payload of a vendor's device, and the text that conditions compare; undefined for a payload that is shown
 * as it is.
 */
export function vendorLine(
	vendor: string,
	topic: string,
	payload: string,
): Readonly<{ line: string; compared: string }> | undefined {
	const json = jsonIn(payload);
	const [last = ""] = topic.split("/").slice(-1);
	if (typeof json === "number") {
		// A Shelly of the first generation has a topic for each value.
		const unit = vendor === "Shelly" ? (unitsOf.Shelly?.[last] ?? units[last]) : undefined;
		return unit === undefined ? undefined : { line: `${payload.trim()} ${unit}`, compared: payload.trim() };
	}
	if (!isRaw(json)) return undefined;
	const values = valuesIn(json, vendor, "", 1).slice(0, most);
	if (values.length === 0) return undefined;
	const line = values.map(({ name, text }) => `${name} ${text}`.trim()).join(", ");
	return { line, compared: line };
}
