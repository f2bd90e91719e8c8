/** The slot of one answer. */
export type Slot = Readonly<{
	/** Notes that the reader took all bytes, so that the answer waits for the source. */
	taken(): void;
	/** Notes that bytes wait for the reader. */
	offered(): void;
	/** Counts bytes that were sent. */
	sent(bytes: number): void;
	/** Releases the slot. */
	free(): void;
}>;

export type Shares = Readonly<{
	/** The most answers at once: in all, for one client, and for one link. */
	all: number;
	client: number;
	link: number;
	/** The time in ms after which a reader that reads nothing loses its slot to the next request. */
	yields: number;
	/** The time in ms that any answer may take, and the bytes that it must send in each further second. */
	grace: number;
	leastPerSecond: number;
}>;

type Held = {
	readonly client: string | undefined;
	readonly link: string;
	readonly cut: () => void;
	readonly since: number;
	bytes: number;
	/** The time since which bytes wait for the reader; undefined while the answer waits for the source. */
	waiting: number | undefined;
};

/**
 * Creates the slots for answers, so that slow readers cannot block other clients. Each client and each link has a share of
 * the slots. An answer that takes too long for its bytes is cut off. If all slots of a kind are taken, the answer whose
 * reader has read nothing for the longest time loses its slot.
 */
export function createSlots(shares: Shares) {
	const held = new Set<Held>();
	let sweep: NodeJS.Timeout | undefined;

	/** Returns true if the answers that `same` selects may be one more, for which it cuts a stalled one off if necessary. */
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
		/** Returns a slot for an answer, whose connection `cut` ends; undefined if no slot is free. */
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
