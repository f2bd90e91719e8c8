import { day } from "../core/time.ts";

/** The most that a journal keeps; ages in ms. */
export const bounds = {
	/** The journal deletes a copy or a reaction past this age, or when this many are newer. */
	copies: { age: 30 * day, count: 1_000_000 },
	/** An id that senders chose names one of this many messages of its room, the newest, or none. It ages like a copy. */
	shared: { count: 1_000 },
	/** The places of one archive, and of all: the longest archives lose their oldest places first. */
	places: { room: 100_000, all: 2_000_000 },
	/** As many dead letters as one lane holds rows, so that a flood into a full lane cannot fill the disk. */
	dead: { age: 30 * day, count: 100_000 },
} as const;

/**
 * Returns the running time in ms between two prunes of one process. A clock that jumps, or a machine that sleeps, counts
 * for a day at most.
 */
export const ranFor = (last: number | undefined, now: number): number =>
	last === undefined ? 0 : Math.min(Math.max(now - last, 0), day);

/** Returns the most that each may have so that all fit into their bounds; only those with the most have to give up any. */
export function shareOf(counts: readonly number[], most: Readonly<{ room: number; all: number }>): number {
	const ascending = counts.map((count) => Math.min(count, most.room)).sort((a, b) => a - b);
	let left = most.all;
	for (const [index, count] of ascending.entries()) {
		const share = Math.floor(left / (ascending.length - index));
		if (count > share) return share;
		left -= count;
	}
	return most.room;
}
