import { textBytes } from "../core/bounded-map.ts";
import type { State } from "../core/event.ts";
import type { RoomId } from "../core/ids.ts";
import { createRateLimit } from "../core/limits.ts";
import type { LatestValue, ReadingChanges, Readings, Sample } from "../core/readings.ts";

/** Topics of one room whose latest value is kept, bytes of all of them, and characters of one value. */
const [remembered, mostBytes, longest] = [2_000, 1_048_576, 200];
/** Samples of one thing in a room for charts: some at once, then one each half minute. */
const sampled = { perMinute: 2, burst: 60 };

/** The latest value of a topic in one room, as the room's mirror shapes it; null after it was cleared. `at`: ms since 1970. */
export type Latest = Omit<LatestValue, "room">;

type Kept = { topics: Map<string, Latest>; bytes: number };

const bytesOf = ({ topic, label, value }: Latest): number => textBytes(topic, label, value ?? "") + 100;

/** Returns the beginning of a text as a copy: a slice would keep the whole text in memory. */
const beginning = (text: string): string => Buffer.from(text.slice(0, longest)).toString();

/** Returns the number at the beginning of a text, such as that of `21.5 °C`; undefined if it begins with none. */
export function leadingNumber(text: string): number | undefined {
	const [found] = /^\s*[+-]?\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,3})?(?![\d.:-])/.exec(text) ?? [];
	return found === undefined || !Number.isFinite(Number(found)) ? undefined : Number(found);
}

/** Keeps the latest values of each linked room, for people who ask for them, and samples of the numbers among them. */
export function createLatest(readings: Readings) {
	const byRoom = new Map<RoomId, Kept>();
	const maySample = createRateLimit(sampled);
	/** Changes that are not stored yet: by room and topic, the latest value, or its end. */
	let changed = new Map<string, LatestValue | Pick<LatestValue, "room" | "topic">>();
	let samples: Sample[] = [];

	function remove(kept: Kept, topic: string): void {
		const known = kept.topics.get(topic);
		if (!known) return;
		kept.topics.delete(topic);
		kept.bytes -= bytesOf(known);
	}

	function put(room: RoomId, latest: Latest): void {
		const kept = byRoom.get(room) ?? { topics: new Map(), bytes: 0 };
		byRoom.set(room, kept);
		// The topic that has been silent longest comes first, and is evicted first.
		remove(kept, latest.topic);
		kept.topics.set(latest.topic, latest);
		kept.bytes += bytesOf(latest);
		for (const oldest of kept.topics.keys()) {
			if (kept.topics.size <= remembered && kept.bytes <= mostBytes) break;
			remove(kept, oldest);
			changed.set(`${room}\n${oldest}`, { room, topic: oldest });
		}
	}

	return {
		/** Takes the stored values of an earlier run, of the rooms that `isLinked` names. */
		load(isLinked: (room: RoomId) => boolean): void {
			for (const { room, ...latest } of readings.latest()) if (isLinked(room)) put(room, latest);
			changed.clear();
		},
		/** Takes a value. `compared`: the value without what its mirror writes around it; `file`: the file that it is. */
		note({ room, key: topic, label, value, at }: State, compared: string | null, file?: string): void {
			const latest = {
				topic,
				label,
				value: value === null ? null : beginning(value),
				at,
				...(file && { file }),
			};
			changed.set(`${room}\n${topic}`, { room, ...latest });
			put(room, latest);
			const number = compared === null ? undefined : leadingNumber(compared);
			if (number !== undefined && maySample(`${room}\n${topic}`))
				samples.push({ room, topic, at, value: number });
		},
		/** Stores what changed since the last call. */
		save(): void {
			const all = [...changed.values()];
			const stored: ReadingChanges = {
				latest: all.filter((one): one is LatestValue => "label" in one),
				gone: all.filter((one) => !("label" in one)),
				samples,
			};
			changed = new Map();
			samples = [];
			readings.save(stored);
		},
		/** Returns the rooms that have values. */
		rooms: (): readonly RoomId[] => [...byRoom.keys()],
		/** Returns the latest values of a room, in the order of their topics. */
		of: (room: RoomId): readonly Latest[] =>
			[...(byRoom.get(room)?.topics.values() ?? [])].sort((one, other) => (one.topic < other.topic ? -1 : 1)),
		forget(room: RoomId): void {
			byRoom.delete(room);
			readings.forget(room);
		},
	};
}
