import type { MatrixEvent } from "../../src/matrix/event.ts";

// The global timers, which a test's clock drives.
export const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/**
 * Models how Synapse sends transactions (appservice/scheduler.py). It queues events in memory and makes transactions of
 * them on disk; after the first failure it retries them with growing backoff. Each step takes time in which others run: a
 * transaction made just before a recovery waits for the next retry, and one made just after a failure overtakes the
 * failed one. A restart forgets the queue.
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
		/** Stops all retries until a restart: the retrier is missing in Synapse's list, so nothing starts it again. */
		giveUp(): void {
			life++;
			up = false;
			due = false;
			sending = false;
			clearTimeout(repeating);
		},
		/** A successful ping: retries at once. */
		retry(): void {
			if (!due) return;
			clearTimeout(repeating);
			void repeat(life);
		},
	};
}
