import type { BridgeEvent } from "../core/event.ts";
import type { Seen } from "../core/hosting.ts";
import type { MatrixEvent } from "./event.ts";
import { operationOf } from "./message/origin.ts";

/** The homeserver's echo of an own event; `operation` is the operation id of its delivery, if it has one. */
export type Echo = Readonly<{ kind: "echo"; operation?: string; event: MatrixEvent; seen?: Seen }>;
/** An event of somebody else: as other rooms get it, if they are to. */
export type Foreign = Readonly<{ kind: "foreign"; event?: BridgeEvent; seen?: Seen }>;

/**
 * One entry of a room's timeline as a transaction brings it: an echo, or an event of somebody else. Entries stand in the
 * homeserver's order, which everybody in the room sees. The homeserver may repeat an entry; its event id stays the same.
 * `seen`: the entry as a network shows it that shows the whole room.
 */
export type TimelineEntry = Echo | Foreign;

export function echoOf(event: MatrixEvent): Echo {
	const operation = operationOf(event.content);
	return { kind: "echo", ...(operation !== undefined && { operation }), event };
}

/** Returns the events that core delivers to other rooms. */
export const eventsIn = (entries: readonly TimelineEntry[]): readonly BridgeEvent[] =>
	entries.flatMap((entry) => (entry.kind === "foreign" && entry.event ? [entry.event] : []));
/** Returns the entries of rooms that other networks show in full, as those show them. */
export const seenOf = (entries: readonly TimelineEntry[]): readonly Seen[] =>
	entries.flatMap(({ seen }) => (seen ? [seen] : []));
