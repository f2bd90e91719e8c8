import { createHash } from "node:crypto";
import { createBoundedMap, textBytes } from "./bounded-map.ts";

/** So many at once (`burst`), and so many a minute after that. */
export type Rate = Readonly<{ perMinute: number; burst: number }>;
export type Limits = Readonly<{
	/** Messages of one person, and of all people of one domain or all devices of one server. */
	sender: Rate;
	domain: Rate;
	/** New 1:1 chats, rooms and invites one person, or all people of one domain, may cause. */
	newChats: Rate;
	newChatsOfDomain: Rate;
	/** Joins and renames that are mirrored, of one room and of all rooms of one domain. */
	joins: Rate;
	joinsOfDomain: Rate;
	/** Accounts that are made for people of one room, and of one domain. */
	newGhosts: Rate;
	newGhostsOfDomain: Rate;
}>;

/** Keys a limit keeps, and bytes of them. The bucket that was used longest ago is forgotten first. */
const most = 20_000;
const mostBytes = 8 * 1_048_576;
/** Characters of a key that is kept as it is; of a longer one the limit keeps a hash. */
const longest = 256;

/**
 * Token buckets by key. `at` is when it was done, where that was earlier than now: what was missed and comes in one
 * burst was not done in one. A bucket's time never goes back, so a claimed time cannot fill it twice.
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
