import { createBoundedMap, dataBytes, textBytes } from "../core/bounded-map.ts";
import type { Log } from "../core/log.ts";
import { table } from "../core/table.ts";
import { type Control, controlsOf } from "./controls.ts";
import { type Entity, isAnnouncement, readAnnouncement } from "./discovery.ts";
import { compileCommand, compileJinja } from "./jinja.ts";
import { jsonIn } from "./json-pointer.ts";
import type { Template } from "./template.ts";
import { isTopic, matches } from "./topics.ts";
import { vendorLine } from "./vendor-values.ts";
import { programs, recognise } from "./vendors.ts";

/** Announcements that are kept, and their bytes. */
const [most, mostBytes] = [10_000, 16 * 1_048_576];
/** Topics whose vendor is remembered: each value asks for it. */
const remembered = 10_000;
/** Most characters of one announcement. */
const longest = 65_536;

/** How a topic's values read: the name of the thing, and a value as a line. */
export type Thing = Readonly<{
	name?: string;
	/** Returns the line of a payload, and the value in it for comparisons; undefined where nothing is known of the payload. */
	read(payload: string): Readonly<{ line: string; compared: string }> | undefined;
}>;
/** A topic that tells whether a thing is there, and the meaning of its payloads. */
export type Watch = Readonly<{ topic: string; isOnline(payload: string): boolean | undefined }>;

/** How several topics together tell whether a thing is there. // Home Assistant, "MQTT availability" */
export type AvailabilityMode = Entity["availabilityMode"];
export type Watched = Readonly<{ watches: readonly Watch[]; mode: AvailabilityMode }>;

const none: ReadonlySet<string> = new Set();

/** Returns the key of all state topics with the last level of this one and wildcards before it. */
const anyBefore = (topic: string) => `+/${topic.slice(topic.lastIndexOf("/") + 1)}`;
/** Returns the key of a state topic: no topic without wildcards has a level `+`. */
const keyOf = (stateTopic: string) => (isTopic(stateTopic) ? stateTopic : anyBefore(stateTopic));

/** The words for on and off of things that have better ones. */
const words = table<readonly [on: string, off: string]>({
	battery: ["low", "normal"],
	connectivity: ["connected", "disconnected"],
	door: ["open", "closed"],
	garage_door: ["open", "closed"],
	gas: ["gas detected", "clear"],
	lock: ["unlocked", "locked"],
	moisture: ["wet", "dry"],
	motion: ["motion", "no motion"],
	occupancy: ["occupied", "clear"],
	opening: ["open", "closed"],
	plug: ["plugged in", "unplugged"],
	presence: ["home", "away"],
	problem: ["problem", "OK"],
	safety: ["unsafe", "safe"],
	smoke: ["smoke detected", "clear"],
	tamper: ["tampering detected", "clear"],
	vibration: ["vibration", "still"],
	window: ["open", "closed"],
});

/** A part with its template compiled; without one, its payload is its value. */
type Part = Readonly<{ entity: Entity; value: Template | undefined }>;
type Announced = Readonly<{ parts: readonly Part[]; text: string }>;

/** Keeps the devices that a broker's Home Assistant discovery announces. */
export function createDevices(prefix: string | undefined, log: Log) {
	const byTopic = createBoundedMap<string, Announced>(most, {
		bytes: mostBytes,
		of: (key, { text, parts }) =>
			200 + 4 * (key.length + text.length) + dataBytes(parts.map(({ entity }) => entity)),
	});
	const vendorOf = createBoundedMap<string, ReturnType<typeof recognise> | null>(remembered, {
		bytes: 4 * 1_048_576,
		of: (topic, known) => textBytes(topic) + 100 + (known ? dataBytes(known) : 0),
	});
	/** The filters that show a topic; null: all that match. */
	const shownBy = createBoundedMap<string, ReturnType<typeof programs> | null>(remembered, {
		bytes: 4 * 1_048_576,
		of: (topic) => textBytes(topic) + 100,
	});
	function vendorAt(topic: string): ReturnType<typeof recognise> {
		let known = vendorOf.get(topic);
		if (known === undefined) {
			known = recognise(topic) ?? null;
			vendorOf.set(topic, known);
		}
		return known ?? undefined;
	}
	/** The announcements that name a state topic, by {@link keyOf} it. */
	const ofState = new Map<string, Set<string>>();

	function forget(topic: string): void {
		for (const { entity } of byTopic.get(topic)?.parts ?? []) {
			const key = keyOf(entity.stateTopic ?? "");
			const all = ofState.get(key);
			all?.delete(topic);
			if (all?.size === 0) ofState.delete(key);
		}
		byTopic.delete(topic);
	}

	/** Returns a part with its templates; a command of a template that the bridge does not read is left out. */
	function compile(entity: Entity): Part {
		const { template, commandTemplate, commandOffTemplate } = entity;
		const about = { device: entity.device, part: entity.name };
		const unread = [commandTemplate, commandOffTemplate].find(
			(one) => one !== undefined && !compileCommand(one),
		);
		if (unread !== undefined) {
			log.info(
				{ ...about, template: unread },
				"a command template of another form than the bridge reads; people cannot give this command",
			);
			const { commandTopic: _, commandTemplate: __, commandOffTemplate: ___, ...rest } = entity;
			return compile(rest);
		}
		if (template === undefined) return { entity, value: undefined };
		const value = compileJinja(template);
		if (value) return { entity, value };
		log.info(
			{ ...about, template },
			"a value template of another form than the bridge reads; the values are shown as they come",
		);
		return { entity, value: () => "" };
	}

	/** Returns the parts whose values come on a topic; an announcement that the bound evicted is left out. */
	const partsAt = (topic: string): readonly Part[] =>
		[...(ofState.get(topic) ?? none), ...(ofState.get(anyBefore(topic)) ?? none)]
			.flatMap((one) => byTopic.get(one)?.parts ?? [])
			.filter(({ entity: { stateTopic } }) => stateTopic !== undefined && matches(stateTopic, topic));

	return {
		/** Returns true for a topic that announces a device. */
		isAnnouncement: (topic: string): boolean => prefix !== undefined && isAnnouncement(prefix, topic),
		/** Returns the filters that show a topic. A filter shows a topic for programs only if it names the levels that mark it as such. */
		showing(topic: string, filters: readonly string[]): readonly string[] {
			let shows = shownBy.get(topic);
			if (shows === undefined) {
				shows = programs(topic) ?? null;
				shownBy.set(topic, shows);
			}
			return shows ? filters.filter(shows) : filters;
		},
		/** Takes an announcement; an empty one removes its device. Returns true if it is to be stored. */
		take(topic: string, payload: string): boolean {
			forget(topic);
			const entities = payload.length > longest ? undefined : readAnnouncement(prefix ?? "", topic, payload);
			if (!entities) {
				log.info({ topic }, "an announcement of a device could not be read");
				return false;
			}
			if (entities.length === 0) return false;
			byTopic.set(topic, { parts: entities.map(compile), text: payload });
			for (const { stateTopic } of entities)
				if (stateTopic !== undefined)
					ofState.set(keyOf(stateTopic), (ofState.get(keyOf(stateTopic)) ?? new Set()).add(topic));
			return true;
		},
		/** Returns how the values of a topic read; undefined for a topic of which nothing is known. */
		at(topic: string): Thing | undefined {
			const parts = partsAt(topic);
			const [first] = parts;
			if (!first) {
				const known = vendorAt(topic);
				return (
					known && {
						name: nameIn(known.device, topic),
						read: (payload) => vendorLine(known.vendor, topic, payload),
					}
				);
			}
			const name = first.entity.device ?? first.entity.name;
			const shown = withoutMinor(parts);
			return { ...(name !== undefined && { name }), read: (payload) => lineOf(shown, payload) };
		},
		/** Returns the topics that tell whether the thing of a topic is there. */
		watches(topic: string): Watched {
			const parts = partsAt(topic);
			const announced = parts.flatMap(({ entity }) => entity.availability);
			const mode = parts.find(({ entity }) => entity.availability.length > 0)?.entity.availabilityMode;
			if (mode)
				return {
					mode,
					watches: [...new Map(announced.map((one) => [one.topic, one])).values()].map(watchOf),
				};
			const known = vendorAt(topic)?.availability;
			if (!known) return { mode: "all", watches: [] };
			const { online, offline } = known;
			const bare = (payload: string) => payload.replace(/\s+/g, "");
			const isOnline = (payload: string) =>
				online.includes(bare(payload)) ? true : offline.includes(bare(payload)) ? false : undefined;
			return { mode: "all", watches: [{ topic: known.topic, isOnline }] };
		},
		/** Returns what a person can have the device of a topic do. */
		controls(topic: string): readonly Control[] {
			const parts = partsAt(topic);
			const id = parts.find(({ entity }) => entity.deviceId !== undefined)?.entity.deviceId;
			const announced = controlsOf(parts.map(({ entity }) => entity));
			if (announced.length > 0 || id !== undefined) return announced;
			const known = vendorAt(topic);
			if (!known?.command) return [];
			return [{ name: known.device, component: "switch", ...known.command, retain: false }];
		},
	};
}
export type Devices = ReturnType<typeof createDevices>;

/** Returns the name of a recognised device within a topic: with the part of the topic that tells its values apart. */
function nameIn(device: string, topic: string): string {
	const levels = topic.split("/");
	const rest = levels
		.slice(levels.indexOf(device) + 1)
		.filter((level) => level !== "state" && level !== "status");
	return [device, ...rest].join(" ").replaceAll("_", " ");
}

/** Leaves out the parts that people rarely look at, unless there are no others. */
function withoutMinor(parts: readonly Part[]): readonly Part[] {
	const main = parts.filter(({ entity }) => entity.category === undefined);
	return main.length > 0 ? main : parts;
}

function watchOf({ topic, online, offline, template }: Entity["availability"][number]): Watch {
	const value = template === undefined ? undefined : compileJinja(template);
	return {
		topic,
		isOnline(payload) {
			const text = value ? value({ value: payload, json: jsonIn(payload), topic, name: "" }) : payload;
			return isText(text, online) ? true : isText(text, offline) ? false : undefined;
		},
	};
}

/** The texts of true and false as Home Assistant's templates write them. // Python's str() of a boolean */
const booleans = new Set(["True", "False"]);
/** Returns whether a text is the one that an announcement names; true and false may be spelled as in Python. */
const isText = (text: string, named: string | undefined): boolean =>
	text === named || (named !== undefined && booleans.has(named) && text === named.toLowerCase());

/** Returns the value of a part in a payload; undefined if the payload has none. */
function partValue({ entity, value }: Part, payload: string, json: unknown): string | undefined {
	const text = value
		? value({ value: payload, json, topic: entity.stateTopic ?? "", name: "" }).trim()
		: payload;
	if (text === "") return undefined;
	const { on, off } = entity.payloads;
	const better = words[entity.deviceClass ?? ""] ?? ["on", "off"];
	if (entity.component === "binary_sensor") {
		if (isText(text, on)) return better[0];
		if (isText(text, off)) return better[1];
	}
	const number = Number(text);
	return entity.precision !== undefined && Number.isFinite(number)
		? number.toFixed(Math.min(20, Math.max(0, Math.trunc(entity.precision))))
		: text;
}

/** Returns the values of all parts in one line: “temperature 21.5 °C, humidity 40 %”. */
function lineOf(parts: readonly Part[], payload: string): ReturnType<Thing["read"]> {
	const json = jsonIn(payload);
	const found = parts.flatMap((part) => {
		const value = partValue(part, payload, json);
		return value === undefined ? [] : [{ part, value }];
	});
	const [first] = found;
	if (!first) return undefined;
	const withUnit = ({ part: { entity }, value }: (typeof found)[number]) =>
		entity.unit === undefined ? value : `${value} ${entity.unit}`;
	if (found.length === 1) return { line: withUnit(first), compared: first.value };
	const line = found.map((one) => `${called(one.part.entity)} ${withUnit(one)}`.trim()).join(", ");
	return { line, compared: line };
}

/** Returns the name of a part without that of its device before it. */
function called({ name = "", device = "" }: Entity): string {
	const rest = device !== "" && name.startsWith(`${device} `) ? name.slice(device.length + 1) : name;
	return rest.toLowerCase() === rest.toUpperCase() ? rest : `${rest.charAt(0).toLowerCase()}${rest.slice(1)}`;
}
