import { type Command, type CommandCall, defineCommand } from "../core/command.ts";
import { PermanentError } from "../core/errors.ts";
import type { Media } from "../core/event.ts";
import type { RoomId } from "../core/ids.ts";
import type { Bridge } from "../core/network.ts";
import { pageOf } from "../core/page.ts";
import type { Person } from "../core/person.ts";
import type { Sample } from "../core/readings.ts";
import { day } from "../core/time.ts";
import type { Chart } from "./chart/chart-svg.ts";
import { fedTo } from "./feed.ts";
import { mqttName } from "./from-mqtt.ts";
import type { Latest } from "./latest.ts";
import { optionsText } from "./link-options.ts";
import * as phrases from "./phrases.ts";
import type { Shape } from "./shape.ts";
import { ownOf } from "./topic-rooms.ts";
import { placeOf } from "./topics.ts";

/** The latest value of a topic, and the room of ours that has it. */
type Known = Latest & Readonly<{ room: RoomId }>;

/**
 * Returns the commands `list`, `get` and `chart`: the values of the topics that a room shows. Where people give commands in
 * no room, they are told of the rooms that they are in, and admins of the bridge of all topics.
 */
export function valueCommands(deps: {
	bridge(): Pick<Bridge, "portal" | "allows" | "sees">;
	latest(room: RoomId): readonly Latest[];
	/** Returns all rooms that have values. */
	rooms(): readonly RoomId[];
	samples(room: RoomId, topic: string, since: number): readonly Sample[];
	/** Draws a chart, and returns its file. */
	draw(chart: Chart): Promise<Media>;
	file(latest: Latest): Media | undefined;
}): readonly Command[] {
	/** Resolves with the rooms of ours that a person may know the values of. */
	async function seenBy(person: Person): Promise<readonly RoomId[]> {
		if (deps.bridge().allows(person, "admin")) return deps.rooms();
		const all: RoomId[] = [];
		for (const room of deps.rooms()) if (await deps.bridge().sees(person, mqttName, room)) all.push(room);
		return all;
	}

	/** @throws PermanentError in a room that shows nothing of MQTT */
	async function latestIn({ network, room, sender, ...call }: CommandCall): Promise<readonly Known[]> {
		const portal = await deps.bridge().portal(network, room);
		const linked =
			portal?.links.flatMap((link) => (link.network === mqttName && link.room ? [link.room] : [])) ?? [];
		const isAlone = linked.length === 0 && call.private;
		const rooms = isAlone ? await seenBy(sender) : linked;
		if (rooms.length === 0)
			throw new PermanentError("invalid", isAlone ? phrases.noMirrorForYou : phrases.noMirror);
		const all = rooms.flatMap((one) => deps.latest(one).map((latest) => ({ ...latest, room: one })));
		// Of several filters that match a topic, the latest value counts.
		const byTopic = new Map(all.toSorted((one, other) => one.at - other.at).map((one) => [one.topic, one]));
		return [...byTopic.values()].sort((one, other) => (one.topic < other.topic ? -1 : 1));
	}
	const line = ({ topic, value, at }: Latest) =>
		phrases.latestValue(topic, value, phrases.duration(Math.max(0, Date.now() - at)));

	/** Resolves with the topic filters that a room shows, as people link them. */
	async function shownHere({ network, room }: CommandCall): Promise<readonly string[]> {
		const portal = await deps.bridge().portal(network, room);
		return (portal?.links ?? []).flatMap((link) => {
			if (link.network !== mqttName || !link.room || fedTo(link.room) || ownOf(link.room)) return [];
			const { filter, shape } = placeOf(link.room);
			return [phrases.shownWith(filter, shape === "" ? "" : optionsText(JSON.parse(shape) as Shape))];
		});
	}

	/** @throws PermanentError if nothing has come from the topic */
	async function find(call: CommandCall, topic: string): Promise<Known> {
		const all = await latestIn(call);
		// People know a thing by its name as well as by its topic.
		const wanted = topic.toLowerCase();
		const found =
			all.find((one) => one.topic === topic) ?? all.find(({ label }) => label.toLowerCase() === wanted);
		if (!found) throw new PermanentError("not-found", phrases.noValueOf(topic, `${call.prefix}list`));
		return found;
	}

	return [
		defineCommand({
			name: "list",
			parameters: [{ name: "page", kind: "number", optional: true }],
			help: "list the things that this room shows from MQTT, with their latest values",
			level: "use",
			async run(call, { page: asked }) {
				const all = await latestIn(call);
				const { entries, page, pages } = pageOf(all, asked);
				return [
					...(all.length === 0 ? [phrases.noValuesYet] : entries.map(line)),
					phrases.pageLine(page, pages, `${call.prefix}list`),
					...(await shownHere(call)),
				]
					.filter(Boolean)
					.join("\n");
			},
		}),
		defineCommand({
			name: "get",
			parameters: [{ name: "topic", kind: "address" }],
			help: "show the latest value of a topic that this room shows",
			level: "use",
			async run(call, { topic }) {
				const found = await find(call, topic);
				const file = deps.file(found);
				return file ? { text: line(found), file } : line(found);
			},
		}),
		defineCommand({
			name: "chart",
			parameters: [
				{ name: "topic", kind: "address" },
				{ name: "period", kind: "word", pattern: /^\d{1,4}[mhd]$/, optional: true },
			],
			help: "draw the numbers of a topic as a chart, of the last 24h or another period such as 30m or 7d",
			level: "use",
			async run(call, { topic, period = "24h" }) {
				const { room, topic: exact, label, value } = await find(call, topic);
				const to = Date.now();
				const from = to - Math.min(msOf(period), longest);
				const points = deps.samples(room, exact, from);
				if (points.length === 0) throw new PermanentError("not-found", phrases.noNumbersOf(label));
				const unit = unitOf(value);
				const file = await deps.draw({ title: label, ...(unit && { unit }), points, from, to });
				return { text: phrases.chartOf(label, period, points.length), file };
			},
		}),
	];
}

/** The longest period of a chart, in ms. */
const longest = 31 * day;
const units: ReadonlyMap<string, number> = new Map([
	["m", 60_000],
	["h", 3_600_000],
	["d", day],
]);
const msOf = (period: string): number =>
	Math.max(1, Number(period.slice(0, -1))) * (units.get(period.slice(-1)) ?? day);

/** Returns the unit behind the number of a value, such as that of `21.5 °C`. */
function unitOf(value: string | null): string | undefined {
	const [, unit] = /^[+-]?\d[\d.]{0,30} (\S{1,10})$/.exec(value ?? "") ?? [];
	return unit;
}
