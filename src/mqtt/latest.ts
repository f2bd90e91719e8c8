import type { State } from "../core/event.ts";
import type { RoomId } from "../core/ids.ts";

/** Topics of one room whose latest value is kept, and characters of it. */
const [remembered, longest] = [2_000, 200];

/** The latest value of a topic in one room, as the room's mirror shapes it; null after it was cleared. `at`: ms since 1970. */
export type Latest = Readonly<{ topic: string; label: string; value: string | null; at: number }>;

/** Keeps the latest values of each linked room since the start of the bridge, for people who ask for them. */
export function createLatest() {
	const byRoom = new Map<RoomId, Map<string, Latest>>();

	return {
		note({ room, key: topic, label, value, at }: State): void {
			const known = byRoom.get(room) ?? new Map<string, Latest>();
			byRoom.set(room, known);
			// The topic that has been silent longest comes first, and is evicted first.
			known.delete(topic);
			known.set(topic, {
				topic,
				label,
				value: value === null ? null : value.slice(0, longest).toWellFormed(),
				at,
			});
			const [oldest] = known.keys();
			if (known.size > remembered && oldest !== undefined) known.delete(oldest);
		},
		/** Returns the latest values of a room, in the order of their topics. */
		of: (room: RoomId): readonly Latest[] =>
			[...(byRoom.get(room)?.values() ?? [])].sort((one, other) => (one.topic < other.topic ? -1 : 1)),
		forget: (room: RoomId): void => void byRoom.delete(room),
	};
}
