/** How much memory the entries of a map may take: at most `bytes`, where `of` estimates one entry. */
export type Weight<K, V> = Readonly<{ bytes: number; of(key: K, value: V): number }>;

/** Keeps the newest entries, at most `most` of them and no more bytes than the weight allows; older ones are forgotten. */
export type BoundedMap<K, V> = ReturnType<typeof createBoundedMap<K, V>>;
export function createBoundedMap<K, V>(most: number, weight?: Weight<K, V>) {
	const map = new Map<K, { value: V; size: number }>();
	let bytes = 0;
	// One iterator serves all evictions: a new one would begin with the places of all that was deleted since the map
	// last grew. An iterator that reached the end stays there, so an emptied map needs another.
	let oldest = map.keys();

	function remove(key: K): boolean {
		bytes -= map.get(key)?.size ?? 0;
		return map.delete(key);
	}

	function evict(): void {
		let next = oldest.next();
		if (next.done) {
			oldest = map.keys();
			next = oldest.next();
		}
		remove(next.value as K);
	}

	return {
		get: (key: K): V | undefined => map.get(key)?.value,
		has: (key: K): boolean => map.has(key),
		set(key: K, value: V): void {
			remove(key);
			const size = weight?.of(key, value) ?? 0;
			map.set(key, { value, size });
			bytes += size;
			while (map.size > most || (weight && bytes > weight.bytes)) evict();
		},
		delete: remove,
		/** What the entries weigh together, as estimated when each was set. */
		bytes: (): number => bytes,
	};
}

/** Bytes that V8 may take for these strings, two a character. */
export const textBytes = (...texts: readonly (string | undefined)[]): number =>
	texts.reduce((sum, text) => sum + (text === undefined ? 0 : 40 + 2 * text.length), 0);
