import { createHash } from "node:crypto";
import type { RoomId } from "../core/ids.ts";

/**
 * Whether a text is a topic filter that a mirror can use: + fills a level, # is the last level. [MQTT-4.7.1-1..3] Shared
 * subscriptions are excluded, since the broker hands each of their messages to only one of several clients.
 */
export const isFilter = (text: string) =>
	isText(text) &&
	!text.startsWith("$share/") &&
	text
		.split("/")
		.every(
			(level, at, all) => level === "+" || (level === "#" ? at === all.length - 1 : !/[+#]/.test(level)),
		);

/** Whether a topic can be published to: no wildcards [MQTT-3.3.2-2], and not the broker's own topics [MQTT-4.7.2-1]. */
export const isTopic = (text: string) => isText(text) && !/[+#]/.test(text) && !text.startsWith("$");

// [MQTT-4.7.3-1..3], [MQTT-1.5.4-1]
const isText = (text: string) =>
	text !== "" && !text.includes("\0") && text.isWellFormed() && Buffer.byteLength(text) <= 65_535;

/** Whether the broker sends `topic` to a subscriber of `filter`. */
export function matches(filter: string, topic: string): boolean {
	// [MQTT-4.7.2-1]
	if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
	const levels = topic.split("/");
	const wanted = filter.split("/");
	// [MQTT-4.7.1-2]: a/# also matches a.
	if (wanted.at(-1) === "#") return wanted.slice(0, -1).every((level, at) => fits(level, levels[at]));
	return wanted.length === levels.length && wanted.every((level, at) => fits(level, levels[at]));
}
const fits = (wanted: string, level: string | undefined) =>
	level !== undefined && (wanted === "+" || wanted === level);

/**
 * Compares two filters that match the same topic; negative if `one` is the more specific one. The levels are compared from
 * the left, and the first difference decides: a literal level comes before +, and + before #. No level, in `a` for `a/#`,
 * counts as literal. Only equal filters compare as equal. A filter whose topics are all matched by another one, too, comes
 * before it.
 */
export function compareFilters(one: string, other: string): number {
	const [mine, theirs] = [one.split("/"), other.split("/")];
	for (let at = 0; at < mine.length || at < theirs.length; at++) {
		const difference = width(mine[at]) - width(theirs[at]);
		if (difference !== 0) return difference;
	}
	return 0;
}
const width = (level: string | undefined) => (level === "#" ? 2 : level === "+" ? 1 : 0);

/** Returns the name of a device: the last two levels of its topic, "kitchen temperature". */
export const nameOf = (topic: string) =>
	topic
		.split("/")
		.filter((level) => level !== "")
		.slice(-2)
		.join(" ")
		.replaceAll("_", " ")
		.trim() || topic;

/**
 * Returns the room id of a subscription: broker and filter with a slash between, and before them, on a line of its own, the
 * shape of a mirror that has one (JSON). A broker's name has no slash and begins with no brace.
 */
export const roomOf = (broker: string, filter: string, shape = "") =>
	`${shape === "" ? "" : `${shape}\n`}${broker}/${filter}` as RoomId;
export function placeOf(room: string): { broker: string; filter: string; shape: string } {
	const line = room.startsWith("{") ? room.indexOf("\n") : -1;
	const slash = room.indexOf("/", line + 1);
	return {
		shape: room.slice(0, Math.max(line, 0)),
		broker: room.slice(line + 1, slash),
		filter: room.slice(slash + 1),
	};
}

/**
 * Returns the subscription identifier of a filter, 1 to 268435455. [MQTT-3.8.2.1.2] It is the same at every start, since
 * waiting messages of the session carry it.
 */
export const subscriptionId = (filter: string) =>
	(createHash("sha256").update(filter).digest().readUInt32BE(0) % 268_435_455) + 1;
