/** So many at once (`burst`), and so many a minute after that. */
export type Rate = Readonly<{ perMinute: number; burst: number }>;
export type Limits = Readonly<{
	/** Messages of one person, and of all people of one domain. */
	sender: Rate;
	domain: Rate;
	/** New 1:1 chats, rooms and invites one person, or all people of one domain, may cause. */
	newChats: Rate;
	newChatsOfDomain: Rate;
}>;

/**
 * Token buckets by key. Full buckets are forgotten, so memory follows who is active. `at` is when it was done, where
 * that was earlier than now: what was missed and comes in one burst was not done in one.
 */
export function createRateLimit(
	rate: Rate,
	now: () => number = Date.now,
): (key: string, at?: number) => boolean {
	const buckets = new Map<string, { tokens: number; at: number }>();
	const perMs = rate.perMinute / 60_000;
	const fill = (bucket: { tokens: number; at: number }, at: number) =>
		Math.min(rate.burst, bucket.tokens + Math.max(0, at - bucket.at) * perMs);
	let sweepAt = 10_000;
	return (key, done = Number.POSITIVE_INFINITY) => {
		const at = Math.min(done, now());
		if (buckets.size > sweepAt) {
			for (const [name, bucket] of buckets) if (fill(bucket, at) >= rate.burst) buckets.delete(name);
			sweepAt = Math.max(10_000, buckets.size * 2);
		}
		const bucket = buckets.get(key) ?? { tokens: rate.burst, at };
		const tokens = fill(bucket, at);
		const allowed = tokens >= 1;
		buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: Math.max(at, bucket.at) });
		return allowed;
	};
}
