import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { isProgrammingError, PermanentError, TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Bridge, Received } from "../core/network.ts";

/** How often an event is tried that fails for a reason we do not know. */
const patience = 4;
const defaultPauses = { first: 1_000, most: 30_000 };

/**
 * Hands on what came in, in the order it came. While one batch is being put on disk the next one gathers, so that a
 * burst costs a few commits and not one for each line.
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
	 * Takes each event by itself, in order, so that one the bridge fails on costs no other. The XMPP server considers all
	 * of them delivered, so what may pass is tried until it does.
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
