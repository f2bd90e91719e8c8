const day = 24 * 60 * 60 * 1000;

/** What a journal keeps at most; ages in ms. */
export const bounds = {
	/** A copy, or a reaction, goes when it is older than this, or when so many are newer. */
	copies: { age: 30 * day, count: 1_000_000 },
	/**
	 * Keys age by running time: a bridge that was down for a month still knows what it had before, which is what a
	 * homeserver sends again first. For the same reason the newest are kept at any age.
	 */
	keys: { age: 7 * day, count: 10_000 },
	/** As many as one lane holds at most: whoever floods one cannot fill the disk with what it does not take. */
	dead: { age: 30 * day, count: 100_000 },
} as const;

/**
 * The running time between two prunes of one process. A clock that was set, or a machine that slept, counts for a day
 * at most.
 */
export const ranFor = (last: number | undefined, now: number): number =>
	last === undefined ? 0 : Math.min(Math.max(now - last, 0), day);
