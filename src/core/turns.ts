/** Runs `work` after all earlier work with one of these keys; work with other keys runs meanwhile. */
export type InTurn = <T>(keys: readonly string[], work: () => Promise<T>) => Promise<T>;

export function createTurns(): InTurn {
	const busy = new Map<string, Promise<unknown>>();
	return (keys, work) => {
		const result = Promise.all(keys.map((key) => busy.get(key))).then(work);
		const settled: Promise<void> = result
			.then(
				() => undefined,
				() => undefined,
			)
			.then(() => {
				for (const key of keys) if (busy.get(key) === settled) busy.delete(key);
			});
		for (const key of keys) busy.set(key, settled);
		return result;
	};
}
