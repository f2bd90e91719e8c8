/** In ms: the first delay, and the longest. */
export type BackoffBounds = Readonly<{ first: number; most: number }>;

/**
 * Returns how long to wait, in ms, before the next try after `failures` failures in a row before this one: exponential,
 * and with jitter, so that those who were cut off together do not come back together.
 */
export const backoff = (failures: number, { first, most }: BackoffBounds): number =>
	Math.round(Math.min(most, first * 2 ** failures) * (0.5 + Math.random() / 2));
