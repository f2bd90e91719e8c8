/** The first and the longest delay, in ms. */
export type BackoffBounds = Readonly<{ first: number; most: number }>;

/**
 * Returns the delay in ms before the next retry, after `failures` earlier failures in a row. The delay grows
 * exponentially and has jitter, so that clients that lost their connections together do not reconnect together.
 */
export const backoff = (failures: number, { first, most }: BackoffBounds): number =>
	Math.round(Math.min(most, first * 2 ** failures) * (0.5 + Math.random() / 2));
