export type Pair = readonly [string, string];
type Statement = Readonly<{
	get(...values: Pair): unknown;
	run(...values: Pair): { lastInsertRowid: number | bigint };
}>;

/**
 * The numbers that stand for pairs of names, remembered so that each is looked up once. `look` selects it AS number. The
 * first name of a pair holds no space.
 */
export function numbers(look: Statement, add: Statement) {
	const known = new Map<string, number>();
	/** 0, which stands for none, when there is none: to look must not write. */
	function find(pair: Pair): number {
		const name = pair.join(" ");
		const found = known.get(name) ?? (look.get(...pair) as { number: number } | undefined)?.number ?? 0;
		if (found > 0) known.set(name, found);
		return found;
	}
	return {
		find,
		of: (pair: Pair): number => find(pair) || Number(add.run(...pair).lastInsertRowid),
		/** After a rollback: what was added may not be there any more. */
		forget: () => known.clear(),
	};
}
