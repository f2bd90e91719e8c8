import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { isProgrammingError, PermanentError, TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Bridge, Received } from "../core/network.ts";

/** How often an event is tried that fails for an unknown reason. */
const patience = 4;
const defaultPauses = { first: 1_000, most: 30_000 };

/**
 * Hands events to core in the order they came in. The next batch gathers while one is written to disk, so that a burst
 * costs a few commits and not one for each line.
 */
export function createInbox(bridge: Pick<Bridge, "receive">, log: Log, pauses = defaultPauses) {
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
			await bridge.receive(batch).catch((error: unknown) => {
				log.warn(
					{ err: error, events: batch.length },
					"a batch could not be taken; its events are taken one by one",
				);
				return oneByOne(batch);
			});
		}
		running = undefined;
	}

	/**
	 * Hands on each event by itself, in order, so that an event that core fails on costs no other. The XMPP server counts
	 * all of them as delivered, so an event that can succeed later is retried until it does.
	 */
	async function oneByOne(batch: readonly Received[]): Promise<void> {
		for (const event of batch)
			for (let attempt = 1; ; attempt++)
				try {
					await bridge.receive([event]);
					break;
				} catch (error) {
					const passes = error instanceof TemporaryError || (isUnknown(error) && attempt < patience);
					if (!passes) {
						log.error({ err: error, id: event.id }, "an event is left out; please report it");
						break;
					}
					log.warn({ err: error, attempt }, "an event could not be taken, will retry");
					await wait(backoff(attempt - 1, pauses));
				}
	}
	const isUnknown = (error: unknown) => !(error instanceof PermanentError) && !isProgrammingError(error);
	const failed = (error: unknown) => log.error({ err: error }, "an incoming batch could not be taken");

	function push(...work: (Received | (() => Promise<void>))[]): void {
		waiting.push(...work);
		if (work.length > 0) running ??= run();
	}
	return {
		events: (events: readonly Received[]) => push(...events),
		/** Runs `work` when all events before it are on disk; events behind it wait for its end. */
		after: (work: () => Promise<void>) => push(work),
		/** Resolves when no event waits any more. */
		settled: async () => running,
		/** Resolves when the events that came in before the call are on disk. */
		reached: () => new Promise<void>((resolve) => push(async () => resolve())),
		/** Returns how many events wait behind the batch that is being written. */
		depth: () => waiting.length,
	};
}
