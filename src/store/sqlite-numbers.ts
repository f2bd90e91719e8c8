export type Pair = readonly [string, string];
type Statement = Readonly<{
	get(...values: Pair): unknown;
	run(...values: Pair): { lastInsertRowid: number | bigint };
}>;

/**
 * Returns the cache of the numbers that stand for pairs of names, so that each is looked up once. `look` selects it AS
 * number. The first name of a pair holds no space.
 */
export function numbers(look: Statement, add: Statement) {
	const known = new Map<string, number>();
	/** Returns the number of a pair, or 0 for an unknown pair, since a lookup must not write. */
	function find(pair: Pair): number {
		const name = pair.join(" ");
		const found = known.get(name) ?? (look.get(...pair) as { number: number } | undefined)?.number ?? 0;
		if (found > 0) known.set(name, found);
		return found;
	}
	return {
		find,
		of: (pair: Pair): number => find(pair) || Number(add.run(...pair).lastInsertRowid),
		/** Empties the cache after a rollback, which may have removed numbers. */
		forget: () => known.clear(),
	};
}
