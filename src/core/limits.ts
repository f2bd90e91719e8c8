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
	/** Mirrored joins and renames of one room, and of all rooms of one domain. */
	joins: Rate;
	joinsOfDomain: Rate;
	/** New ghosts for people of one room, and of one domain. */
	newGhosts: Rate;
	newGhostsOfDomain: Rate;
}>;

/** The most keys of a limit, and their bytes. The least recently used bucket is evicted first. */
const most = 20_000;
const mostBytes = 8 * 1_048_576;
/** Characters of the longest key that is kept as it is; a longer key is hashed. */
const longest = 256;

/**
 * Returns a rate limit of one token bucket per key: the call takes a token and returns true, or false if the bucket is
 * empty. `at` is the time of sending of a message that backfill found, in ms since 1970, since messages that come in all at
 * once were not sent all at once. The time of a bucket never goes back, so a claimed time cannot fill it twice.
 */
export function createRateLimit(
	rate: Rate,
	now: () => number = Date.now,
): (key: string, at?: number) => boolean {
	type Bucket = { tokens: number; at: number };
	const buckets = createBoundedMap<string, Bucket>(most, {
		bytes: mostBytes,
		of: (key) => textBytes(key) + 100,
	});
	const perMs = rate.perMinute / 60_000;
	return (given, done = Number.POSITIVE_INFINITY) => {
		const key = given.length > longest ? createHash("sha256").update(given).digest("base64url") : given;
		const at = Math.min(done, now());
		const bucket = buckets.get(key) ?? { tokens: rate.burst, at };
		const tokens = Math.min(rate.burst, bucket.tokens + Math.max(0, at - bucket.at) * perMs);
		const allowed = tokens >= 1;
		buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: Math.max(at, bucket.at) });
		return allowed;
	};
}
