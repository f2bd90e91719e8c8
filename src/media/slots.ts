/** One answer on its way, in its place among the others. */
export type Slot = Readonly<{
	/** The reader took the bytes that waited for it; the next ones have to come from the source. */
	taken(): void;
	/** Bytes wait for the reader. */
	offered(): void;
	/** Bytes that went on their way. */
	sent(bytes: number): void;
	/** Gives the place to the next. */
	free(): void;
}>;

export type Shares = Readonly<{
	/** Answers on their way at once: in all, to one client, and of one link. */
	all: number;
	client: number;
	link: number;
	/** ms after which a reader that takes nothing loses its place to the next one that asks for it. */
	yields: number;
	/** ms that an answer may take, whatever its size, and the bytes that each further second has to bring. */
	grace: number;
	leastPerSecond: number;
}>;

type Held = {
	readonly client: string | undefined;
	readonly link: string;
	readonly cut: () => void;
	readonly since: number;
	bytes: number;
	/** Since when bytes wait for the reader; undefined while the source owes them. */
	waiting: number | undefined;
};

/**
 * Returns the places for answers, so that slow readers cannot keep other clients from theirs. Each client and each link
 * has a share of the places. An answer that takes too long for its bytes is cut off. Where all places of a kind are taken,
 * the answer whose reader took nothing for the longest makes room.
 */
export function createSlots(shares: Shares) {
	const held = new Set<Held>();
	let sweep: NodeJS.Timeout | undefined;

	/** Whether there is room for one more among those that `same` chooses, and be it by cutting one off. */
	function room(most: number, same: (one: Held) => boolean): boolean {
		const rivals = [...held].filter(same);
		if (rivals.length < most) return true;
		const oldest = performance.now() - shares.yields;
		const [slowest] = rivals
			.filter(({ waiting }) => waiting !== undefined && waiting <= oldest)
			.sort((a, b) => (a.waiting ?? 0) - (b.waiting ?? 0));
		if (!slowest) return false;
		end(slowest);
		return true;
	}

	function end(one: Held): void {
		drop(one);
		one.cut();
	}

	function drop(one: Held): void {
		held.delete(one);
		if (held.size > 0) return;
		clearInterval(sweep);
		sweep = undefined;
	}

	function cutSlow(): void {
		const now = performance.now();
		for (const one of held) {
			const allowed = shares.grace + (one.bytes / shares.leastPerSecond) * 1_000;
			if (now - one.since > allowed) end(one);
		}
	}

	return {
		/** A place for an answer, whose connection `cut` ends; undefined where there is none now. */
		take(client: string | undefined, link: string, cut: () => void): Slot | undefined {
			const admitted =
				room(shares.link, (one) => one.link === link) &&
				(client === undefined || room(shares.client, (one) => one.client === client)) &&
				room(shares.all, () => true);
			if (!admitted) return undefined;
			const one: Held = { client, link, cut, since: performance.now(), bytes: 0, waiting: undefined };
			held.add(one);
			sweep ??= setInterval(cutSlow, Math.min(1_000, shares.grace / 4));
			return {
				taken: () => {
					one.waiting = undefined;
				},
				offered: () => {
					one.waiting ??= performance.now();
				},
				sent: (bytes) => {
					one.bytes += bytes;
				},
				free: () => drop(one),
			};
		},
	};
}
