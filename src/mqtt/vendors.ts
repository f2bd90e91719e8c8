import { isTopic } from "./topics.ts";

/**
 * The documented topics of common devices, as data. In a pattern `{device}` is one level, `{base}` too, and `{rest}` all
 * others. `availability`: the topic that tells whether the device is there, with its payloads.
 */
type Vendor = Readonly<{
	name: string;
	/** The topics of values. */
	topics: readonly string[];
	/**
	 * Topics of the vendor's software, and those that tell whether a device is there: they are for programs, and a filter has
	 * to name the levels that make them so.
	 */
	not?: readonly string[];
	availability: string;
	online: readonly string[];
	offline: readonly string[];
	/** The topic that takes commands, as the name of its part and the words for its payloads. */
	command?: Readonly<{ topic: string; payloads: Readonly<Record<string, string>> }>;
}>;

const vendors: readonly Vendor[] = [
	{
		// https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html
		name: "Zigbee2MQTT",
		topics: ["zigbee2mqtt/{device}", "zigbee2mqtt/{device}/{rest}"],
		not: ["zigbee2mqtt/bridge", "zigbee2mqtt/bridge/{rest}", "zigbee2mqtt/{device}/availability"],
		availability: "zigbee2mqtt/{device}/availability",
		online: ["online", '{"state":"online"}'],
		offline: ["offline", '{"state":"offline"}'],
		command: { topic: "zigbee2mqtt/{device}/set", payloads: { on: "ON", off: "OFF" } },
	},
	{
		// https://tasmota.github.io/docs/MQTT/
		name: "Tasmota",
		topics: ["tele/{device}/{rest}", "stat/{device}/{rest}"],
		not: ["tele/{device}/LWT", "tasmota/discovery/{rest}"],
		availability: "tele/{device}/LWT",
		online: ["Online"],
		offline: ["Offline"],
		command: { topic: "cmnd/{device}/Power", payloads: { on: "ON", off: "OFF" } },
	},
	{
		// https://shelly-api-docs.shelly.cloud/gen1/#mqtt-support
		name: "Shelly",
		topics: ["shellies/{device}/{rest}"],
		not: [
			"shellies/{device}/online",
			"shellies/{device}/announce",
			"shellies/{device}/info",
			"shellies/announce",
		],
		availability: "shellies/{device}/online",
		online: ["true"],
		offline: ["false"],
		command: { topic: "shellies/{device}/relay/0/command", payloads: { on: "on", off: "off" } },
	},
	{
		// https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt
		name: "Shelly",
		topics: ["{device}/status/{rest}", "{device}/events/rpc"],
		availability: "{device}/online",
		online: ["true"],
		offline: ["false"],
		command: { topic: "{device}/command/switch:0", payloads: { on: "on", off: "off" } },
	},
	{
		// https://esphome.io/components/mqtt.html
		name: "ESPHome",
		topics: [
			"{device}/sensor/{part}/state",
			"{device}/binary_sensor/{part}/state",
			"{device}/switch/{part}/state",
			"{device}/light/{part}/state",
			"{device}/text_sensor/{part}/state",
			"{device}/number/{part}/state",
			"{device}/select/{part}/state",
			"{device}/fan/{part}/state",
			"{device}/cover/{part}/state",
			"{device}/lock/{part}/state",
		],
		availability: "{device}/status",
		online: ["online"],
		offline: ["offline"],
	},
];

/** The device that a topic belongs to by the documents of its vendor. */
export type Recognised = Readonly<{
	vendor: string;
	device: string;
	availability: Readonly<{ topic: string; online: readonly string[]; offline: readonly string[] }>;
	command?: Readonly<{ topic: string; payloads: Readonly<Record<string, string>> }>;
}>;

/** A pattern by its levels: a text, or the name of what stands there. */
type Pattern = readonly (string | Readonly<{ name: string }>)[];

const compile = (pattern: string): Pattern =>
	pattern.split("/").map((level) => {
		const [, name] = /^\{([a-z]+)\}$/.exec(level) ?? [];
		return name === undefined ? level : { name };
	});
const compiled = vendors.map((vendor) => ({
	...vendor,
	topics: vendor.topics.map(compile),
	not: (vendor.not ?? []).map(compile),
}));

/** Returns the device that a pattern finds in the levels of a topic, "" for a pattern without one; undefined if it differs. */
function deviceIn(pattern: Pattern, levels: readonly string[]): string | undefined {
	let device = "";
	for (const [at, wanted] of pattern.entries()) {
		const given = levels[at];
		if (typeof wanted !== "string" && wanted.name === "rest") return given === undefined ? undefined : device;
		if (given === undefined || given === "") return undefined;
		if (typeof wanted === "string" && wanted !== given) return undefined;
		if (typeof wanted !== "string" && wanted.name === "device") device = given;
	}
	return levels.length === pattern.length ? device : undefined;
}

/** Returns the test whether a filter shows a topic that is for programs; undefined for any other topic. Pure. */
export function programs(topic: string): ((filter: string) => boolean) | undefined {
	const levels = topic.split("/");
	const pattern = compiled.flatMap(({ not }) => not).find((one) => deviceIn(one, levels) !== undefined);
	if (!pattern) return undefined;
	return (filter) => {
		const wanted = filter.split("/");
		return pattern.every((level, at) => typeof level !== "string" || wanted[at] === level);
	};
}

/** Returns the device that a topic belongs to; undefined for a topic that no vendor documents. Pure. */
export function recognise(topic: string): Recognised | undefined {
	const levels = topic.split("/");
	for (const { name, topics, not, availability, online, offline, command } of compiled) {
		if (not.some((pattern) => deviceIn(pattern, levels) !== undefined)) continue;
		let device: string | undefined;
		for (const pattern of topics) device ||= deviceIn(pattern, levels);
		if (!device) continue;
		const called = device;
		const filled = (pattern: string) => pattern.replace("{device}", () => called);
		if (!isTopic(filled(availability))) continue;
		return {
			...{ vendor: name, device: called },
			availability: { topic: filled(availability), online, offline },
			...(command && { command: { ...command, topic: filled(command.topic) } }),
		};
	}
	return undefined;
}
