/** Returns a function that runs at most `atOnce` tasks per key concurrently; further tasks queue in order. */
export function createConcurrencyLimit(
	atOnce: number,
): <T>(key: string, work: () => Promise<T>) => Promise<T> {
	const lines = new Map<string, { running: number; waiting: (() => void)[] }>();
	return async (key, work) => {
		const line = lines.get(key) ?? { running: 0, waiting: [] };
		lines.set(key, line);
		if (line.running < atOnce) line.running++;
		// A finished task hands its slot to the next one, so `running` stays the same.
		else await new Promise<void>((resolve) => line.waiting.push(resolve));
		try {
			return await work();
		} finally {
			const next = line.waiting.shift();
			if (next) next();
			else if (--line.running === 0) lines.delete(key);
		}
	};
}
