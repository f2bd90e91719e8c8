import { TemporaryError } from "../core/errors.ts";

/**
 * Returns a function that runs requests to other homeservers, at most `atOnce` of them at a time. Anybody on another
 * network can cause any number of them, one that a dead server does not answer takes minutes, and all requests share the
 * connections to our homeserver. `mostWaiting` more wait; beyond that it throws a TemporaryError with the text `full`.
 */
export function createSlots(
	atOnce: number,
	mostWaiting: number,
	full: string,
): <T>(work: () => Promise<T>) => Promise<T> {
	const waiting: (() => void)[] = [];
	let running = 0;

	return async (work) => {
		if (running < atOnce) running++;
		else if (waiting.length >= mostWaiting) throw new TemporaryError(full);
		// Work that ends hands its slot to the next one, so `running` stays the same.
		else await new Promise<void>((resolve) => waiting.push(resolve));
		try {
			return await work();
		} finally {
			const next = waiting.shift();
			if (next) next();
			else running--;
		}
	};
}
