import type { MatrixEvent } from "../../src/matrix/event.ts";

// The global: a test's clock drives it.
export const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/**
 * How Synapse hands events over (appservice/scheduler.py): what is said is queued in memory and made into transactions on
 * disk; the first that fails has it repeat them, later and later. Each step takes a moment, in which others happen: one
 * made just before it is up again lies there until it repeats the next time, one made just after a failure goes out
 * before that one. A restart forgets the queue.
 */
export function synapse(
	chance: () => number,
	put: (id: string, events: readonly MatrixEvent[]) => Promise<boolean>,
) {
	const disk = new Map<number, readonly MatrixEvent[]>();
	let [up, last, life] = [true, 0, 0];
	let queue: MatrixEvent[] = [];
	let sending = false;
	let repeating: NodeJS.Timeout | undefined;
	let due = false;
	let counter = 1;
	const step = () => sleep(chance() * 15);
	const is = (mine: number) => mine === life;

	async function run(): Promise<void> {
		if (sending) return;
		const mine = life;
		sending = true;
		while (is(mine) && queue.length > 0) {
			const events = queue.splice(0, 100);
			await step();
			const wasUp = up;
			await step();
			if (!is(mine)) return;
			const id = ++last;
			disk.set(id, events);
			if (!wasUp) continue;
			const sent = await put(String(id), events);
			if (!is(mine)) return;
			if (sent) {
				await step();
				disk.delete(id);
			} else void fail(mine);
		}
		if (is(mine)) sending = false;
	}
	async function fail(mine: number): Promise<void> {
		await step();
		up = false;
		// Synapse asserts that none runs yet.
		if (is(mine) && !repeating) recover(mine);
	}
	function recover(mine: number): void {
		due = true;
		repeating = setTimeout(() => void repeat(mine), 1_000 * 2 ** counter);
	}
	async function repeat(mine: number): Promise<void> {
		due = false;
		for (;;) {
			await step();
			if (!is(mine)) return;
			const [oldest] = disk;
			if (!oldest) {
				repeating = undefined;
				await step();
				if (is(mine)) up = true;
				return;
			}
			const [id, events] = oldest;
			const sent = await put(String(id), events);
			if (!is(mine)) return;
			if (!sent) break;
			await step();
			disk.delete(id);
			counter = 1;
		}
		counter = Math.min(9, counter + 1);
		recover(mine);
	}
	return {
		say(event: MatrixEvent): void {
			queue.push(event);
			void run();
		},
		restart(): void {
			life++;
			queue = [];
			sending = false;
			clearTimeout(repeating);
			repeating = undefined;
			counter = 1;
			if (!up) recover(life);
		},
		/** It repeats nothing any more until a restart, and knows nothing of it: the one that repeated is not in its list. */
		giveUp(): void {
			life++;
			up = false;
			due = false;
			sending = false;
			clearTimeout(repeating);
		},
		/** A ping got through: repeats at once. */
		retry(): void {
			if (!due) return;
			clearTimeout(repeating);
			void repeat(life);
		},
	};
}
