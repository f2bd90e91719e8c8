import { table } from "../core/table.ts";
import { jsonIn } from "./json-pointer.ts";
import { isTopic } from "./topics.ts";

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
	commandTemplate?: string;
	options?: readonly string[];
	min?: number;
	max?: number;
	step?: number;
	retain?: boolean;
	/** Of several topics: all must say online, any of them, or the one that spoke last. */
	availability: readonly Availability[];
	availabilityMode: "all" | "any" | "latest";
}>;

/** The abbreviated keys that the bridge reads. // Home Assistant, "MQTT discovery" */
const abbreviations = table<string>({
	avty: "availability",
	avty_mode: "availability_mode",
	avty_t: "availability_topic",
	avty_tpl: "availability_template",
	cmd_t: "command_topic",
	cmd_tpl: "command_template",
	cmps: "components",
	dev: "device",
	dev_cla: "device_class",
	ent_cat: "entity_category",
	ids: "identifiers",
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
	ret: "retain",
	stat_off: "state_off",
	stat_on: "state_on",
	stat_t: "state_topic",
	stat_val_tpl: "state_value_template",
	sug_dsp_prc: "suggested_display_precision",
	t: "topic",
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
	light: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
	lock: { lock: ["payload_lock", "LOCK"], unlock: ["payload_unlock", "UNLOCK"] },
	scene: { on: ["payload_on", "ON"] },
	siren: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
	switch: { on: ["payload_on", "ON"], off: ["payload_off", "OFF"] },
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
const numberIn = (raw: Raw, key: string): number | undefined =>
	typeof raw[key] === "number" && Number.isFinite(raw[key]) ? raw[key] : undefined;

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
	if (component !== "device") return ignored.has(component) ? [] : [entityOf(component, root)];
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
			return [entityOf(platform, { ...shared, ...own })];
		});
}

function entityOf(component: string, raw: Raw): Entity {
	const base = textIn(raw, "~");
	/** Returns a topic, with the base in the place of a tilde at one of its ends. */
	const topicIn = (from: Raw, key: string): string | undefined => {
		const text = textIn(from, key);
		const whole = base === undefined ? text : text?.replace(/^~/, () => base).replace(/~$/, () => base);
		return whole !== undefined && isTopic(whole) ? whole : undefined;
	};
	const device = isRaw(raw.device) ? spelledOut(raw.device) : {};
	const identifiers = Array.isArray(device.identifiers) ? device.identifiers[0] : device.identifiers;
	const payloads = Object.entries(commands[component] ?? {}).map(([word, [key, usual]]) => [
		word,
		textIn(raw, key) ?? usual,
	]);
	const found = {
		name: textIn(raw, "name"),
		device: textIn(device, "name"),
		deviceId: typeof identifiers === "string" ? identifiers : undefined,
		category: textIn(raw, "entity_category"),
		stateTopic: topicIn(raw, "state_topic"),
		template: textIn(raw, "value_template") ?? textIn(raw, "state_value_template"),
		unit: textIn(raw, "unit_of_measurement"),
		precision: numberIn(raw, "suggested_display_precision"),
		deviceClass: textIn(raw, "device_class"),
		commandTopic: topicIn(raw, "command_topic"),
		commandTemplate: textIn(raw, "command_template"),
		options: Array.isArray(raw.options)
			? raw.options.filter((one): one is string => typeof one === "string").slice(0, 100)
			: undefined,
		min: numberIn(raw, "min"),
		max: numberIn(raw, "max"),
		step: numberIn(raw, "step"),
		retain: raw.retain === true ? true : undefined,
	};
	const mode = textIn(raw, "availability_mode");
	return {
		component,
		...(Object.fromEntries(
			Object.entries(found).filter(([, value]) => value !== undefined),
		) as Partial<Entity>),
		payloads: Object.fromEntries(payloads) as Record<string, string>,
		availability: availabilityOf(raw, topicIn),
		availabilityMode: mode === "all" || mode === "any" ? mode : "latest",
	};
}

function availabilityOf(
	raw: Raw,
	topicIn: (from: Raw, key: string) => string | undefined,
): readonly Availability[] {
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

/** A thing that a person can have a device do. */
export type Control = Readonly<{
	/** The name of the part, or of the device. */
	name: string;
	component: string;
	topic: string;
	/** Payloads by the words for them: "on" → "ON"; none for a control that takes a value. */
	payloads: Readonly<Record<string, string>>;
	/** The values that it takes; absent: every one, of a number those from `min` to `max`. */
	options?: readonly string[];
	min?: number;
	max?: number;
	/** The payload with `{{ value }}` in the place of the value (Jinja); absent: the value itself. */
	template?: string;
	retain: boolean;
}>;

/** Returns what a person can have these parts of a device do. Pure. */
export const controlsOf = (entities: readonly Entity[]): readonly Control[] =>
	entities.flatMap((one) => {
		const {
			component,
			commandTopic: topic,
			payloads,
			options,
			min,
			max,
			commandTemplate,
			retain = false,
		} = one;
		if (topic === undefined) return [];
		return [
			{
				name: one.name ?? one.device ?? component,
				...{ component, topic, payloads, retain },
				...(options && { options }),
				...(min !== undefined && { min }),
				...(max !== undefined && { max }),
				...(commandTemplate !== undefined && { template: commandTemplate }),
			},
		];
	});
