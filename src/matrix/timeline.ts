import type { BridgeEvent } from "../core/event.ts";
import type { MatrixEvent } from "./event.ts";
import { operationOf } from "./message/origin.ts";

/** The homeserver's echo of an own event; `operation` is the operation id of its delivery, if it has one. */
export type Echo = Readonly<{ kind: "echo"; operation?: string; event: MatrixEvent }>;

/**
 * One entry of a room's timeline as a transaction brings it: an echo, or an event of somebody else. Entries stand in the
 * homeserver's order, which everybody in the room sees. The homeserver may repeat an entry; its event id stays the same.
 */
export type TimelineEntry = Echo | BridgeEvent;

export function echoOf(event: MatrixEvent): Echo {
	const operation = operationOf(event.content);
	return { kind: "echo", ...(operation !== undefined && { operation }), event };
}

/** Whether an entry is a foreign event, which core delivers to other rooms. */
export const isForeign = (entry: TimelineEntry): entry is BridgeEvent => entry.kind !== "echo";
