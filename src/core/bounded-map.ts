/** Remembers the last `size` things; older ones are forgotten, so memory is bounded whatever others send. */
export type BoundedMap<K, V> = ReturnType<typeof createBoundedMap<K, V>>;
export function createBoundedMap<K, V>(size: number) {
	const map = new Map<K, V>();
	// One for all time: a new one would begin with the places of all that was deleted since the map last grew.
	const oldest = map.keys();
	return {
		get: (key: K): V | undefined => map.get(key),
		has: (key: K): boolean => map.has(key),
		set(key: K, value: V): void {
			map.delete(key);
			map.set(key, value);
			if (map.size > size) map.delete(oldest.next().value as K);
		},
		delete: (key: K): boolean => map.delete(key),
	};
}
