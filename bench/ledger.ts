const marked = /\bb(\d+)-(\d+)\b/;

export type Tally = Readonly<{
	said: number;
	lost: number;
	twice: number;
	/** Number of messages that arrived after a later one of their lane. */
	inversions: number;
	/** Time from the first send to the last arrival, in ms. */
	took: number;
	p50: number;
	p99: number;
}>;
export type Ledger = ReturnType<typeof ledger>;

/** Records one run: the messages sent at one end, and those that arrived on the wire at the other. */
export function ledger() {
	const lanes: { said: number[]; seen: boolean[]; newest: number }[] = [];
	const delays: number[] = [];
	let said = 0;
	let twice = 0;
	let inversions = 0;
	let first = 0;
	let last = 0;
	let changed = performance.now();

	return {
		/** Returns the next text of a lane. */
		say(number: number): string {
			lanes[number] ??= { said: [], seen: [], newest: -1 };
			const lane = lanes[number];
			const now = performance.now();
			if (said++ === 0) first = now;
			changed = now;
			return `b${number}-${lane.said.push(now) - 1}`;
		},
		/** Notes an arrival; false for a text that the ledger did not make. */
		heard(text: string): boolean {
			const [, name, place] = marked.exec(text) ?? [];
			const lane = lanes[Number(name)];
			const seq = Number(place);
			const at = lane?.said[seq];
			if (!lane || at === undefined) return false;
			last = performance.now();
			changed = last;
			if (lane.seen[seq]) {
				twice++;
				return true;
			}
			lane.seen[seq] = true;
			delays.push(last - at);
			if (seq < lane.newest) inversions++;
			lane.newest = Math.max(lane.newest, seq);
			return true;
		},
		/** Resolves when all messages have arrived, or after `patience` ms without an arrival. */
		async settled(patience: number): Promise<void> {
			while (delays.length < said && performance.now() - changed < patience)
				await new Promise((resolve) => setTimeout(resolve, 2));
		},
		tally(): Tally {
			delays.sort((a, b) => a - b);
			const at = (part: number) => delays[Math.floor(delays.length * part)] ?? Number.NaN;
			const lost = said - delays.length;
			return { said, lost, twice, inversions, took: last - first, p50: at(0.5), p99: at(0.99) };
		},
	};
}
