/** Runs at most `atOnce` works per key side by side; the others wait their turn. */
export function createConcurrencyLimit(
	atOnce: number,
): <T>(key: string, work: () => Promise<T>) => Promise<T> {
	const lines = new Map<string, { running: number; waiting: (() => void)[] }>();
	return async (key, work) => {
		const line = lines.get(key) ?? { running: 0, waiting: [] };
		lines.set(key, line);
		if (line.running < atOnce) line.running++;
		// Whoever ends hands over their place, so `running` stays as it is.
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
