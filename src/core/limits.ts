import { createHash } from "node:crypto";
import { createBoundedMap, textBytes } from "./bounded-map.ts";

/** A rate limit: `burst` at once, and `perMinute` after that. */
export type Rate = Readonly<{ perMinute: number; burst: number }>;
export type Limits = Readonly<{
	/** Messages of one person, and of all people of one domain or all devices of one server. */
	sender: Rate;
	domain: Rate;
	/** New 1:1 chats, rooms and invites that one person, or all people of one domain, may cause. */
	newChats: Rate;
	newChatsOfDomain: Rate;
	/** Rooms that one person makes on another network. */
	createdRooms: Rate;
	/** Looks at rooms, joins and changes by which one person, or all people of one domain, use rooms of another network. */
	requests: Rate;
	requestsOfDomain: Rate;
	/** Mirrored joins and renames of one room, and of all rooms of one domain. */
	joins: Rate;
	joinsOfDomain: Rate;
	/** New ghosts for people of one room, and of one domain. */
	newGhosts: Rate;
	newGhostsOfDomain: Rate;
}>;

/** The limits of a network that gets none from the config, whose defaults are the same. */
export const usualLimits = {
	requests: { perMinute: 120, burst: 300 },
	requestsOfDomain: { perMinute: 600, burst: 600 },
	newGhosts: { perMinute: 20, burst: 100 },
	newGhostsOfDomain: { perMinute: 60, burst: 500 },
} as const satisfies Partial<Limits>;

/** The most keys of a limit, and their bytes. The least recently used bucket is evicted first. */
const most = 20_000;
const mostBytes = 8 * 1_048_576;
/** Characters of the longest key that is kept as it is; a longer key is hashed. */
const longest = 256;

/**
 * Takes a token of the key's bucket and returns true, or false if the bucket is empty. `at` is the time of sending of a
 * message that backfill found, in ms since 1970, since messages that come in all at once were not sent all at once. The
 * time of a bucket never goes back, so a claimed time cannot fill it twice.
 */
export type RateLimit = ((key: string, at?: number) => boolean) &
	Readonly<{
		/** Returns the time in ms until the bucket has a token; 0 if it has one. */
		wait(key: string): number;
		/** Gives back a token that was taken in vain. */
		refund(key: string): void;
	}>;

/** Returns a rate limit of one token bucket per key. */
export function createRateLimit(rate: Rate, now: () => number = Date.now): RateLimit {
	type Bucket = { tokens: number; at: number };
	const buckets = createBoundedMap<string, Bucket>(most, {
		bytes: mostBytes,
		of: (key) => textBytes(key) + 100,
	});
	const perMs = rate.perMinute / 60_000;
	const keyOf = (given: string) =>
		given.length > longest ? createHash("sha256").update(given).digest("base64url") : given;
	const tokensOf = (bucket: Bucket | undefined, at: number) =>
		bucket ? Math.min(rate.burst, bucket.tokens + Math.max(0, at - bucket.at) * perMs) : rate.burst;
	const take = (given: string, done = Number.POSITIVE_INFINITY) => {
		const key = keyOf(given);
		const at = Math.min(done, now());
		const bucket = buckets.get(key);
		const tokens = tokensOf(bucket, at);
		const allowed = tokens >= 1;
		buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: Math.max(at, bucket?.at ?? at) });
		return allowed;
	};
	return Object.assign(take, {
		wait(given: string): number {
			const tokens = tokensOf(buckets.get(keyOf(given)), now());
			return tokens >= 1 ? 0 : (1 - tokens) / perMs;
		},
		refund(given: string): void {
			const key = keyOf(given);
			const bucket = buckets.get(key);
			if (bucket) buckets.set(key, { ...bucket, tokens: Math.min(rate.burst, bucket.tokens + 1) });
		},
	});
}
