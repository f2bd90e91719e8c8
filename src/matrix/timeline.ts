import type { BridgeEvent } from "../core/event.ts";
import type { MatrixEvent } from "./event.ts";
import { operationOf } from "./message/origin.ts";

/** An event of ours that the homeserver sends back to us; `operation` names the delivery that made it, if one did. */
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

/** Whether an entry is an event of somebody else, which core delivers to other rooms. */
export const isForeign = (entry: TimelineEntry): entry is BridgeEvent => entry.kind !== "echo";
