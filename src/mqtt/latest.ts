import { textBytes } from "../core/bounded-map.ts";
import type { State } from "../core/event.ts";
import type { RoomId } from "../core/ids.ts";

/** Topics of one room whose latest value is kept, bytes of all of them, and characters of one value. */
const [remembered, mostBytes, longest] = [2_000, 1_048_576, 200];

/** The latest value of a topic in one room, as the room's mirror shapes it; null after it was cleared. `at`: ms since 1970. */
export type Latest = Readonly<{ topic: string; label: string; value: string | null; at: number }>;

type Kept = { topics: Map<string, Latest>; bytes: number };

const bytesOf = ({ topic, label, value }: Latest): number => textBytes(topic, label, value ?? "") + 100;

/** Returns the beginning of a text as a copy: a slice would keep the whole text in memory. */
const beginning = (text: string): string => Buffer.from(text.slice(0, longest)).toString();

/** Keeps the latest values of each linked room since the start of the bridge, for people who ask for them. */
export function createLatest() {
	const byRoom = new Map<RoomId, Kept>();

	function remove(kept: Kept, topic: string): void {
		const known = kept.topics.get(topic);
		if (!known) return;
		kept.topics.delete(topic);
		kept.bytes -= bytesOf(known);
	}

	return {
		note({ room, key: topic, label, value, at }: State): void {
			const kept = byRoom.get(room) ?? { topics: new Map(), bytes: 0 };
			byRoom.set(room, kept);
			const text = value === null ? null : beginning(value);
			const latest: Latest = { topic, label, value: text, at };
			// The topic that has been silent longest comes first, and is evicted first.
			remove(kept, topic);
			kept.topics.set(topic, latest);
			kept.bytes += bytesOf(latest);
			for (const oldest of kept.topics.keys()) {
				if (kept.topics.size <= remembered && kept.bytes <= mostBytes) break;
				remove(kept, oldest);
			}
		},
		/** Returns the latest values of a room, in the order of their topics. */
		of: (room: RoomId): readonly Latest[] =>
			[...(byRoom.get(room)?.topics.values() ?? [])].sort((one, other) => (one.topic < other.topic ? -1 : 1)),
		forget: (room: RoomId): void => void byRoom.delete(room),
	};
}
