/** A bound on the memory of a map: at most `bytes`, where `of` estimates the bytes of one entry. */
export type Weight<K, V> = Readonly<{ bytes: number; of(key: K, value: V): number }>;

type Entry<K, V> = {
	key: K;
	value: V;
	size: number;
	older: Entry<K, V> | undefined;
	newer: Entry<K, V> | undefined;
};

/** A map that keeps its newest entries, at most `most` of them and no more bytes than its weight allows, and evicts older ones. */
export type BoundedMap<K, V> = ReturnType<typeof createBoundedMap<K, V>>;
export function createBoundedMap<K, V>(most: number, weight?: Weight<K, V>) {
	const map = new Map<K, Entry<K, V>>();
	let bytes = 0;
	// A linked list keeps the order of the entries. The order of a Map would need an iterator: a new iterator for each
	// eviction first skips the places of all deleted entries, and one permanent iterator keeps every outgrown hash table
	// of the Map alive.
	let oldest: Entry<K, V> | undefined;
	let newest: Entry<K, V> | undefined;

	function unlink(entry: Entry<K, V>): void {
		const { older, newer } = entry;
		if (older) older.newer = newer;
		else oldest = newer;
		if (newer) newer.older = older;
		else newest = older;
		bytes -= entry.size;
	}

	function append(entry: Entry<K, V>): void {
		entry.older = newest;
		entry.newer = undefined;
		if (newest) newest.newer = entry;
		else oldest = entry;
		newest = entry;
		bytes += entry.size;
	}

	function remove(key: K): boolean {
		const entry = map.get(key);
		if (entry) unlink(entry);
		return map.delete(key);
	}

	return {
		get: (key: K): V | undefined => map.get(key)?.value,
		has: (key: K): boolean => map.has(key),
		set(key: K, value: V): void {
			const size = weight?.of(key, value) ?? 0;
			const known = map.get(key);
			if (known) unlink(known);
			const entry = known ?? { key, value, size, older: undefined, newer: undefined };
			entry.value = value;
			entry.size = size;
			append(entry);
			if (!known) map.set(key, entry);
			while (oldest && (map.size > most || (weight && bytes > weight.bytes))) remove(oldest.key);
		},
		delete: remove,
		/** Returns the estimated bytes of all entries. */
		bytes: (): number => bytes,
	};
}

/** Returns the bytes that V8 may take for these strings, at two bytes a character. */
export const textBytes = (...texts: readonly (string | undefined)[]): number =>
	texts.reduce((sum, text) => sum + (text === undefined ? 0 : 40 + 2 * text.length), 0);

/** Returns the estimated bytes of JSON-like data in memory. */
export function dataBytes(value: unknown): number {
	if (typeof value === "string") return textBytes(value);
	if (typeof value !== "object" || value === null) return 8;
	let bytes = 56;
	for (const one of Object.values(value)) bytes += 8 + dataBytes(one);
	return bytes;
}
