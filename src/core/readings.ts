import type { RoomId } from "./ids.ts";

/** The latest value of a thing in one room, as the room shows it; null after it was cleared. `at`: ms since 1970. */
export type LatestValue = Readonly<{
	room: RoomId;
	topic: string;
	label: string;
	value: string | null;
	at: number;
	/** The hash of the file that the thing sent as its value. */
	file?: string;
}>;
/** A number that a thing had in a room. `at`: ms since 1970. */
export type Sample = Readonly<{ room: RoomId; topic: string; at: number; value: number }>;
/** A file that a thing sent: its bytes, and the hash of them that names it. */
export type ThingFile = Readonly<{ hash: string; bytes: Uint8Array; mime?: string }>;

/** Changes of what the bridge remembers of things. */
export type ReadingChanges = Readonly<{
	latest?: readonly LatestValue[];
	/** Things whose latest value is forgotten. */
	gone?: readonly Pick<LatestValue, "room" | "topic">[];
	samples?: readonly Sample[];
	files?: readonly ThingFile[];
	/** The description of a thing by its key; null: it has none any more. */
	descriptions?: readonly Readonly<{ key: string; text: string | null }>[];
}>;

/**
 * The values and files of things that the bridge keeps between two starts, for people who ask: a cache, which a power cut may
 * empty. Its methods never throw, and a fault of the disk costs the memory alone.
 */
export interface Readings {
	latest(): readonly LatestValue[];
	/** Returns the samples of a thing in a room from `since` on, in order. */
	samples(room: RoomId, topic: string, since: number): readonly Sample[];
	file(hash: string): ThingFile | undefined;
	descriptions(): readonly Readonly<{ key: string; text: string }>[];
	/** Writes changes into the page cache, which survives `kill -9`. */
	save(changes: ReadingChanges): void;
	/** Forgets all of a room. */
	forget(room: RoomId): void;
}

/** Remembers nothing. */
export const noReadings: Readings = {
	latest: () => [],
	samples: () => [],
	file: () => undefined,
	descriptions: () => [],
	save: () => undefined,
	forget: () => undefined,
};
