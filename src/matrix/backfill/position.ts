/** An event and its time, in ms since 1970. */
type Point = Readonly<{ event: string; at: number }>;

/**
 * How far the homeserver handed a room over: the bridge has all events up to this one, as the room's history lists them,
 * and those of `since`, the oldest first. `taken`: when they were taken, in ms since 1970.
 */
export type Position = Point & Readonly<{ since?: readonly (Point & Readonly<{ taken: number }>)[] }>;

/**
 * How far the position stays behind the last event, in ms and in events. A homeserver lists a room's history by the graph
 * of its events, and hands them over as they came in. So an event that took long to come in stands before others that were
 * handed over earlier: a position at the last one of these would hide it.
 */
const behind = { ms: 30_000, events: 100 };

/** Returns the position after one more event was taken. */
export function advance(position: Position | undefined, point: Point, now: number): Position {
	if (!position) return point;
	return settle({ ...position, since: [...(position.since ?? []), { ...point, taken: now }] }, now);
}

/** Returns the position at a later time: the same object if it stays. */
export function settle(position: Position, now: number): Position {
	const { since = [] } = position;
	const recent = since.findIndex(({ taken }) => now - taken < behind.ms);
	const passed = Math.max(recent < 0 ? since.length : recent, since.length - behind.events);
	const last = since[passed - 1];
	if (!last) return position;
	const rest = since.slice(passed);
	return { event: last.event, at: last.at, ...(rest.length > 0 && { since: rest }) };
}
