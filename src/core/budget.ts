/**
 * Bounds the work that one input can cause. A translator runs inside {@link withinBudget}; the loops and tree builders it
 * uses call {@link spend} for each node, character or comparison. Translators are synchronous, so one counter serves all.
 */

/** Steps that even an empty input may cost. */
const base = 20_000;
/** Steps for each byte or character of the input. */
const perUnit = 100;

/** Thrown by {@link spend}; only {@link withinBudget} catches it. */
export class OverBudget extends Error {
	override readonly name = "OverBudget";
}

let left = Number.POSITIVE_INFINITY;

/** Counts work. @throws OverBudget when the input has caused more than its size allows. */
export function spend(steps = 1): void {
	left -= steps;
	if (left < 0) throw new OverBudget("the input causes more work than its size allows");
}

/**
 * Returns the result of `work`, or of `otherwise` where `work` exceeds the budget of an input of `size` bytes or
 * characters. `otherwise` makes the plain form, in time linear in the input, and has no budget of its own: the primitives that
 * it shares with `work` do not throw. The steps of a nested call count outside, too.
 */
export function withinBudget<T>(size: number, work: () => T, otherwise: () => T): T {
	const outer = left;
	const granted = Math.min(outer, base + perUnit * size);
	left = granted;
	try {
		return work();
	} catch (error) {
		if (!(error instanceof OverBudget)) throw error;
		left = Number.POSITIVE_INFINITY;
		try {
			return otherwise();
		} finally {
			left = 0;
		}
	} finally {
		left = outer - (granted - left);
	}
}
