type State = {
	/** From this time on, ms since 1970, every line of ours in the MUC is known; infinite after a join. */
	searchedTo: number;
	/** The last search; it never rejects. */
	tail: Promise<void>;
};

/** The searches for lines in doubt in one MUC's archive. This file alone changes their state. */
export type ArchiveSearch = Readonly<State>;

export const createArchiveSearch = (): ArchiveSearch => ({
	searchedTo: Number.POSITIVE_INFINITY,
	tail: Promise.resolve(),
});

/** Runs `look` after the searches before it: one search also answers for every line that was sent after its own. */
export function searchInTurn(state: State, look: () => Promise<void>): Promise<void> {
	const mine = state.tail.then(look);
	state.tail = mine.catch(() => undefined);
	return mine;
}

/** Notes that all our lines since `from`, ms since 1970, are known. */
export function noteSearched(state: State, from: number): void {
	state.searchedTo = from;
}

/** Notes that lines of ours may have come in unseen, while no listener was in the MUC. */
export function forgetSearched(state: State): void {
	state.searchedTo = Number.POSITIVE_INFINITY;
}
