import type { Seen } from "./hosting.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Link, Portal } from "./mapping.ts";
import type { Places } from "./places.ts";

/** The last places of a room that its source may repeat: those of one transaction, and of a short gap that is read again. */
const remembered = 200;

/** Returns the links of a portal to the rooms that a view of it shows. */
function sourcesOf({ links }: Portal): readonly Link[] {
	const view = links.find(({ role, out }) => role === "hosted" && !out);
	return view ? links.filter(({ network }) => network !== view.network) : [];
}

/**
 * Creates the memory of what the views had shown before this start. A source repeats what an earlier run of the bridge had
 * not acknowledged when it was killed: the archive has it, and people who are in a view have read it there.
 */
export function createRepeats(places: Pick<Places, "match">) {
	/** By source room: the last ids that the archive had at the start. */
	const before = new Map<string, ReadonlySet<MessageId>>();
	const key = (of: NetworkName, room: RoomId) => `${of} ${room}`;

	return {
		/** Reads the last places of the source rooms of all views, before the first timeline of this run comes in. */
		async start(portals: readonly Portal[]): Promise<void> {
			for (const { network: of, room } of portals.flatMap(sourcesOf)) {
				if (!room) continue;
				const last = await places.match(of, room, { limit: remembered, last: true });
				if (last.places.length > 0) before.set(key(of, room), new Set(last.places.map(({ id }) => id)));
			}
		},
		/** Returns the events of a room that are no repeats. The first part without any ends the memory of the room. */
		without(of: NetworkName, room: RoomId, timeline: readonly Seen[]): readonly Seen[] {
			const known = before.get(key(of, room));
			if (!known) return timeline;
			const fresh = timeline.filter(({ id }) => !known.has(id));
			if (fresh.length === timeline.length) before.delete(key(of, room));
			return fresh;
		},
	};
}
export type Repeats = ReturnType<typeof createRepeats>;
