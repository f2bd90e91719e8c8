import { type BoundedMap, createBoundedMap, textBytes } from "../../core/bounded-map.ts";

/** Entries, and bytes, that each memory of the chats of two keeps. */
const [remembered, rememberedBytes] = [10_000, 4 * 1_048_576];

/** Returns a memory of the chats of two. `texts` returns the strings of a value. */
export const createMemory = <T>(texts: (value: T) => readonly string[]): BoundedMap<string, T> =>
	createBoundedMap(remembered, {
		bytes: rememberedBytes,
		of: (key, value) => textBytes(key, ...texts(value)) + 100,
	});
