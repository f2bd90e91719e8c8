import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { isProgrammingError, PermanentError, TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Bridge, Received } from "../core/network.ts";

/** How often an event is tried that fails for an unknown reason. */
const patience = 4;
const defaultPauses = { first: 1_000, most: 30_000 };
/** The most facts that are being written at once. */
const mostSaving = 256;

/** An event, work that events behind it wait for, or the write of a fact that they do not wait for. */
type Item = Received | (() => Promise<void>) | Readonly<{ save(): Promise<void> }>;

const isEvent = (item: Item): item is Received => typeof item !== "function" && !("save" in item);

/**
 * Hands events to core in the order they came in. The next batch gathers while one is written to disk, so that a burst
 * costs a few commits and not one for each line.
 */
export function createInbox(bridge: Pick<Bridge, "receive">, log: Log, pauses = defaultPauses) {
	const waiting: Item[] = [];
	const saving = new Set<Promise<void>>();
	let running: Promise<void> | undefined;

	/** Each step awaits something: a run that ended before {@link push} has its promise would count as running for ever. */
	async function run(): Promise<void> {
		for (let first = waiting.shift(); first; first = waiting.shift()) {
			if (typeof first === "function") {
				await first().catch(failed);
				continue;
			}
			if ("save" in first) {
				begin(first.save);
				await (saving.size >= mostSaving ? saved() : undefined);
				continue;
			}
			const batch = [first];
			for (let next = waiting[0]; next && isEvent(next); next = waiting[0]) {
				batch.push(next);
				waiting.shift();
			}
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

	/** Begins to write a fact. Core keeps the order of its calls, and writes of one moment share a commit. */
	function begin(save: () => Promise<void>): void {
		const one = save()
			.catch(failed)
			.finally(() => saving.delete(one));
		saving.add(one);
	}
	const saved = async (): Promise<void> => void (await Promise.all(saving));

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

	function push(...work: Item[]): void {
		waiting.push(...work);
		if (work.length > 0) running ??= run();
	}
	return {
		events: (events: readonly Received[]) => push(...events),
		/** Runs `work` when all events before it are on disk; events behind it wait for its end. */
		after: (work: () => Promise<void>) => push(work),
		/** Has core write a fact when all events before it are on disk, and before all facts and events behind it. */
		save: (save: () => Promise<void>) => push({ save }),
		/** Resolves when no event waits any more. */
		async settled(): Promise<void> {
			await running;
			await saved();
		},
		/** Resolves when the events and facts that came in before the call are on disk. */
		reached: () => new Promise<void>((resolve) => push(() => saved().then(resolve))),
		/** Returns how many events wait behind the batch that is being written. */
		depth: () => waiting.length,
	};
}
