import { createBoundedMap, textBytes } from "./bounded-map.ts";
import type { BridgeEvent } from "./event.ts";
import type { RoomId, UserId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import { isChanged, type Person } from "./person.ts";

/** The most people, of all rooms, that are remembered as joined and not mirrored. */
const mostUnshown = 50_000;

/** For each room of a batch: `all`, its members after all joins of the batch, and `now`, its members so far. */
export type Crowds = Map<RoomId, Readonly<{ all: Set<UserId>; now: Map<UserId, Person> }>>;

/**
 * Decides which joins, leaves and renames the other rooms see. In rooms above `most` members a ghost joins when its person
 * first speaks, so the leave of a person whose join was not mirrored is not mirrored either.
 */
export function createMirroredMembers(journal: Pick<Journal, "members">, most: number) {
	/**
	 * The people, by room, whose join was not mirrored and who have not spoken there. Their leave needs no row. The leave of
	 * a person who was evicted from this map is mirrored, which costs a row and shows nothing.
	 */
	const unshown = createBoundedMap<string, true>(mostUnshown, {
		bytes: 8 * 1_048_576,
		of: (key) => textBytes(key) + 100,
	});
	const keyOf = ({ sender, room }: BridgeEvent) => `${sender.network} ${room} ${sender.id}`;

	return {
		/** Resolves with the crowds of the rooms that people of the batch join. */
		async crowdsOf(events: readonly BridgeEvent[]): Promise<Crowds> {
			const crowds: Crowds = new Map();
			for (const event of events) {
				if (event.kind !== "membership" || event.change === "leave") continue;
				const { room, sender } = event;
				const members = crowds.has(room) ? [] : await journal.members(sender.network, room);
				const crowd = crowds.get(room) ?? {
					all: new Set(members.map((person) => person.id)),
					now: new Map(members.map((person) => [person.id, person])),
				};
				crowd.all.add(sender.id);
				crowds.set(room, crowd);
			}
			return crowds;
		},
		/**
		 * Returns true if the other rooms are to see this event. A join of a known member is not mirrored, as a second
		 * reading of the room reports it.
		 */
		isMirrored(event: BridgeEvent, crowds: Crowds): boolean {
			if (event.kind !== "membership") return true;
			const { room, sender, change } = event;
			const { all, now } = crowds.get(room) ?? { all: new Set(), now: new Map() };
			const known = now.get(sender.id);
			const there = known !== undefined && !isChanged(known, sender);
			if (change === "leave") now.delete(sender.id);
			else now.set(sender.id, sender);
			if (change === "leave") return !unshown.delete(keyOf(event));
			if (there) return false;
			const few = all.size <= most;
			if (!few) unshown.set(keyOf(event), true);
			return few;
		},
		/** Notes whether the other rooms are shown an event that they are to see. A rate limit may keep a join back. */
		note(event: BridgeEvent, shown: boolean): void {
			if (shown) unshown.delete(keyOf(event));
			else if (event.kind === "membership") unshown.set(keyOf(event), true);
		},
	};
}
