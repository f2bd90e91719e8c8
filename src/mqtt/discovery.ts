import { table } from "../core/table.ts";
import { facets, jsonLight } from "./facets.ts";
import { jsonIn } from "./json-pointer.ts";
import { isFilter, isTopic } from "./topics.ts";

/** The announcements of devices by Home Assistant's MQTT discovery: pure, from a payload to the things in it. */

/** A topic that tells whether a device is there. `template`: Jinja. */
export type Availability = Readonly<{ topic: string; online: string; offline: string; template?: string }>;

/** One announced part of a device: a sensor, a switch … */
export type Entity = Readonly<{
	component: string;
	/** The name of the part; absent if it is the device itself. */
	name?: string;
	device?: string;
	/** The identifier that the parts of one device share. */
	deviceId?: string;
	/** "diagnostic" or "config" for parts that people rarely look at. */
	category?: string;
	/** It may have the wildcard `+` in levels before the last one, as gateways write that share their devices. */
	stateTopic?: string;
	/** Jinja. */
	template?: string;
	unit?: string;
	/** Decimals. */
	precision?: number;
	/** The kind of the thing, such as "door"; it decides the words for on and off. */
	deviceClass?: string;
	/** Payloads and texts by their words: "on" → "ON". */
	payloads: Readonly<Record<string, string>>;
	commandTopic?: string;
	/** Jinja over `value`: the payload of a command; another one for "off", where it differs. */
	commandTemplate?: string;
	commandOffTemplate?: string;
	options?: readonly string[];
	min?: number;
	max?: number;
	retain?: boolean;
	/** Of several topics: all must say online, any of them, or the one that spoke last. */
	availability: readonly Availability[];
	availabilityMode: "all" | "any" | "latest";
}>;

/** The abbreviated keys that the bridge reads. // Home Assistant, "MQTT discovery" */
const abbreviations = table<string>({
	act_t: "action_topic",
	act_tpl: "action_template",
	avty: "availability",
	avty_mode: "availability_mode",
	avty_t: "availability_topic",
	avty_tpl: "availability_template",
	bri_scl: "brightness_scale",
	cmd_off_tpl: "command_off_template",
	cmd_t: "command_topic",
	cmd_tpl: "command_template",
	cmps: "components",
	curr_temp_t: "current_temperature_topic",
	curr_temp_tpl: "current_temperature_template",
	dev: "device",
	dev_cla: "device_class",
	ent_cat: "entity_category",
	ids: "identifiers",
	mode_cmd_t: "mode_command_topic",
	mode_cmd_tpl: "mode_command_template",
	mode_stat_t: "mode_state_topic",
	mode_stat_tpl: "mode_state_template",
	ops: "options",
	p: "platform",
	pl_avail: "payload_available",
	pl_cls: "payload_close",
	pl_lock: "payload_lock",
	pl_not_avail: "payload_not_available",
	pl_off: "payload_off",
	pl_on: "payload_on",
	pl_open: "payload_open",
	pl_prs: "payload_press",
	pl_stop: "payload_stop",
	pl_unlk: "payload_unlock",
	pos_t: "position_topic",
	pos_tpl: "position_template",
	ret: "retain",
	set_pos_t: "set_position_topic",
	set_pos_tpl: "set_position_template",
	stat_off: "state_off",
	stat_on: "state_on",
	stat_t: "state_topic",
	stat_val_tpl: "state_value_template",
	sug_dsp_prc: "suggested_display_precision",
	t: "topic",
	temp_cmd_t: "temperature_command_topic",
	temp_cmd_tpl: "temperature_command_template",
	temp_stat_t: "temperature_state_topic",
	temp_stat_tpl: "temperature_state_template",
	temp_unit: "temperature_unit",
	uniq_id: "unique_id",
	unit_of_meas: "unit_of_measurement",
	val_tpl: "value_template",
});

/** The payloads of the commands of each component, with their defaults. */
const commands = table<Readonly<Record<string, readonly [key: string, usual: string]>>>({
	button: { press: ["payload_press", "PRESS"] },
	cover: {
		open: ["payload_open", "OPEN"],
		close: ["payload_close", "CLOSE"],
		stop: ["payload_stop", "STOP"],
	},
	fan: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
	humidifier: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
	light: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
	lock: { lock: ["payload_lock", "LOCK"], unlock: ["payload_unlock", "UNLOCK"] },
	scene: { on: ["payload_on", "ON"] },
	siren: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
	switch: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
	vacuum: {
		start: ["payload_start", "start"],
		pause: ["payload_pause", "pause"],
		stop: ["payload_stop", "stop"],
		home: ["payload_return_to_base", "return_to_base"],
		locate: ["payload_locate", "locate"],
	},
	valve: {
		open: ["payload_open", "OPEN"],
		close: ["payload_close", "CLOSE"],
		stop: ["payload_stop", "STOP"],
	},
	binary_sensor: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
});

/** Parts that show no value and take no command of a person. */
const ignored = new Set(["device_automation", "tag", "event", "update", "notify", "device_tracker"]);

/** Most parts of one announced device. */
const mostParts = 200;

type Raw = Readonly<Record<string, unknown>>;
const isRaw = (value: unknown): value is Raw =>
	typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns an object with the full spellings of its keys. */
const spelledOut = (raw: Raw): Raw =>
	Object.fromEntries(Object.entries(raw).map(([key, value]) => [abbreviations[key] ?? key, value]));
const textIn = (raw: Raw, key: string): string | undefined => {
	const value = raw[key];
	if (typeof value === "string" && value !== "") return value.slice(0, 1_024);
	return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
};
/** Returns a number, which some devices write as a text. */
const numberIn = (raw: Raw, key: string): number | undefined => {
	const number = Number(textIn(raw, key) ?? Number.NaN);
	return Number.isFinite(number) ? number : undefined;
};

/** Returns whether a topic announces a device: `<prefix>/<component>/[<node>/]<object>/config`. */
export function isAnnouncement(prefix: string, topic: string): boolean {
	const levels = topic.startsWith(`${prefix}/`) ? topic.slice(prefix.length + 1).split("/") : [];
	return (levels.length === 3 || levels.length === 4) && levels.at(-1) === "config";
}

/** Returns the filters of the topics that announce devices. */
export const announcementFilters = (prefix: string): readonly string[] => [
	`${prefix}/+/+/config`,
	`${prefix}/+/+/+/config`,
];

/** Returns the parts that an announcement names; undefined for one that cannot be read, none for one that removes its device. */
export function readAnnouncement(
	prefix: string,
	topic: string,
	payload: string,
): readonly Entity[] | undefined {
	if (payload === "") return [];
	const json = jsonIn(payload);
	if (!isRaw(json)) return undefined;
	const [component = ""] = topic.slice(prefix.length + 1).split("/");
	const root = spelledOut(json);
	if (component !== "device") return ignored.has(component) ? [] : entitiesOf(component, root);
	if (!isRaw(root.components)) return undefined;
	const { components: _, ...shared } = root;
	return Object.values(root.components)
		.slice(0, mostParts)
		.flatMap((part) => {
			if (!isRaw(part)) return [];
			const own = spelledOut(part);
			const platform = textIn(own, "platform");
			// A part that names nothing but its platform is removed from its device.
			if (platform === undefined || ignored.has(platform) || Object.keys(own).length < 2) return [];
			return entitiesOf(platform, { ...shared, ...own });
		});
}

type TopicIn = (from: Raw, key: string, accepts?: (text: string) => boolean) => string | undefined;

/** Returns the function that reads a topic: the base stands in the place of a tilde at one of its ends. */
function topicsOf(raw: Raw): TopicIn {
	const base = textIn(raw, "~");
	return (from, key, accepts = isTopic) => {
		const text = textIn(from, key);
		const whole = base === undefined ? text : text?.replace(/^~/, () => base).replace(/~$/, () => base);
		return whole !== undefined && accepts(whole) ? whole : undefined;
	};
}

/** Returns whether a text is a state topic; a last level of its own keeps one announcement from naming the topics of all. */
const isStateTopic = (text: string): boolean => isTopic(text) || (isFilter(text) && /[^#+/]$/.test(text));

/** Returns the texts of a list. */
const listIn = (raw: Raw, key: string): readonly string[] | undefined =>
	Array.isArray(raw[key])
		? raw[key].filter((one): one is string => typeof one === "string").slice(0, 100)
		: undefined;

/** Returns an entity without the members that are undefined. */
const known = (of: { [key in keyof Entity]: Entity[key] | undefined }): Entity =>
	Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as Entity;

/** Returns a part of a device with its further values and commands. */
function entitiesOf(component: string, raw: Raw): readonly Entity[] {
	const topicIn = topicsOf(raw);
	const main = entityOf(component, raw, topicIn);
	const named = (name: string) =>
		main.name === undefined ? name.charAt(0).toUpperCase() + name.slice(1) : `${main.name} ${name}`;
	const { payloads: _, stateTopic, commandTopic, ...shared } = main;
	const degrees = textIn(raw, "temperature_unit");
	const units = { temperature: degrees && `°${degrees}`, "%": "%" };
	const further = (facets[component] ?? []).flatMap((one): readonly Entity[] => {
		const text = (key: string | undefined) => (key === undefined ? undefined : textIn(raw, key));
		const number = (key: string | undefined) => (key === undefined ? undefined : numberIn(raw, key));
		const [state, command] = [
			topicIn(raw, one.topic, isStateTopic),
			one.command && topicIn(raw, one.command),
		];
		if (state === undefined && command === undefined) return [];
		return [
			known({
				...shared,
				component: one.options === undefined ? "number" : "select",
				name: named(one.name),
				payloads: {},
				stateTopic: state,
				template: text(one.template),
				commandTopic: command,
				commandTemplate: text(one.commandTemplate),
				unit: one.unit && units[one.unit],
				options: one.options === undefined ? undefined : (listIn(raw, one.options) ?? one.usual),
				min: number(one.min) ?? one.fixed?.min,
				max: number(one.max) ?? one.fixed?.max,
			}),
		];
	});
	if (component !== "light" || textIn(raw, "schema") !== "json") return [main, ...further];
	const { state, on, off, brightness, setBrightness } = jsonLight(numberIn(raw, "brightness_scale") ?? 255);
	const light = { ...main, template: state, payloads: { on, off } };
	if (raw.brightness !== true) return [light];
	const percent = known({
		...shared,
		component: "number",
		name: named("brightness"),
		payloads: {},
		stateTopic,
		template: brightness,
		commandTopic,
		commandTemplate: setBrightness,
		unit: "%",
		min: 0,
		max: 100,
	});
	return [light, percent];
}

function entityOf(component: string, raw: Raw, topicIn: TopicIn): Entity {
	const device = isRaw(raw.device) ? spelledOut(raw.device) : {};
	const identifiers = Array.isArray(device.identifiers) ? device.identifiers[0] : device.identifiers;
	const payloads = Object.entries(commands[component] ?? {}).map(([word, [key, usual]]) => [
		word,
		textIn(raw, key) ?? usual,
	]);
	const mode = textIn(raw, "availability_mode");
	return known({
		component,
		name: textIn(raw, "name"),
		device: textIn(device, "name"),
		deviceId: typeof identifiers === "string" ? identifiers : undefined,
		category: textIn(raw, "entity_category"),
		stateTopic: topicIn(raw, "state_topic", isStateTopic),
		template: textIn(raw, "value_template") ?? textIn(raw, "state_value_template"),
		unit: textIn(raw, "unit_of_measurement"),
		precision: numberIn(raw, "suggested_display_precision"),
		deviceClass: textIn(raw, "device_class"),
		commandTopic: topicIn(raw, "command_topic"),
		commandTemplate: textIn(raw, "command_template"),
		commandOffTemplate: textIn(raw, "command_off_template"),
		options: listIn(raw, "options"),
		min: numberIn(raw, "min"),
		max: numberIn(raw, "max"),
		retain: raw.retain === true ? true : undefined,
		payloads: Object.fromEntries(payloads) as Record<string, string>,
		availability: availabilityOf(raw, topicIn),
		availabilityMode: mode === "all" || mode === "any" ? mode : "latest",
	});
}

function availabilityOf(raw: Raw, topicIn: TopicIn): readonly Availability[] {
	const one = (from: Raw, key: string): Availability | undefined => {
		const topic = topicIn(from, key);
		const template = textIn(from, "value_template");
		return topic === undefined
			? undefined
			: {
					topic,
					online: textIn(from, "payload_available") ?? "online",
					offline: textIn(from, "payload_not_available") ?? "offline",
					...(template !== undefined && { template }),
				};
	};
	const list = Array.isArray(raw.availability)
		? raw.availability
		: isRaw(raw.availability)
			? [raw.availability]
			: [];
	const template = textIn(raw, "availability_template");
	const { value_template: _, ...rest } = raw;
	const single = one(
		{ ...rest, ...(template !== undefined && { value_template: template }) },
		"availability_topic",
	);
	return [
		...list
			.filter(isRaw)
			.slice(0, 10)
			.flatMap((each) => one(spelledOut(each), "topic") ?? []),
		...(single ? [single] : []),
	];
}
