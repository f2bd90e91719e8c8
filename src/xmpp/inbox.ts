import type { Log } from "../core/log.ts";
import type { Bridge, Received } from "../core/network.ts";

/**
 * Hands on what came in, in the order it came. While one batch is being put on disk the next one gathers, so that a
 * burst costs a few commits and not one for each line.
 */
export function createInbox(bridge: Pick<Bridge, "receive">, log: Log) {
	const waiting: (Received | (() => Promise<void>))[] = [];
	let running: Promise<void> | undefined;

	async function run(): Promise<void> {
		for (let first = waiting.shift(); first; first = waiting.shift()) {
			if (typeof first === "function") {
				await first().catch(failed);
				continue;
			}
			const batch = [first];
			while (waiting.length > 0 && typeof waiting[0] !== "function") batch.push(waiting.shift() as Received);
			await bridge.receive(batch).catch(failed);
		}
		running = undefined;
	}
	// The XMPP server considers all of this delivered: there is nobody to hand it back to.
	const failed = (error: unknown) => log.error({ err: error }, "what came in could not be taken");

	function push(...work: (Received | (() => Promise<void>))[]): void {
		waiting.push(...work);
		if (work.length > 0) running ??= run();
	}
	return {
		events: (events: readonly Received[]) => push(...events),
		/** Runs when all before it is on disk, and holds back all behind it. */
		after: (work: () => Promise<void>) => push(work),
		/** Resolves when all that came in so far is on disk. */
		settled: async () => running,
		/** Resolves when all that came in so far is taken; what comes meanwhile is not waited for. */
		reached: () => new Promise<void>((resolve) => push(async () => resolve())),
		/** How much waits for the batch under way. */
		depth: () => waiting.length,
	};
}
