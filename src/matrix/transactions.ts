import { createBoundedMap } from "../core/bounded-map.ts";
import { isProgrammingError, TemporaryError } from "../core/errors.ts";
import { SetAside } from "../core/guard.ts";
import { itemOf, type MatrixEvent } from "./event.ts";
import { createEventReader } from "./event-reader.ts";
import { createTimeLimit } from "./time-limit.ts";
import type { Echo, TimelineEntry } from "./timeline.ts";

/** The most attempts at an event that fails for an unknown reason. */
const attempts = 4;
/** Ids of events that are remembered as handed over. */
const remembered = 10_000;

/**
 * Returns the function that takes the events of a transaction. It hands the timeline over in the transaction's order,
 * echoes of our own events beside those of others, and carries out invites and commands between them.
 */
export function createTransactions(
	deps: Omit<Parameters<typeof createEventReader>[0], "take" | "inTime"> & {
		/** Confirms the delivery that an echo names. Called as soon as the echo is read: a lane waits for it. */
		confirm(echo: Echo): void;
		/** Resolves when these entries are on disk. @throws what makes the homeserver repeat the transaction. */
		receive(entries: readonly TimelineEntry[]): Promise<void>;
	},
): (events: readonly MatrixEvent[]) => Promise<void> {
	const { guard, log } = deps;
	const inTime = createTimeLimit(log);
	const read = createEventReader({ ...deps, take, inTime });

	const taken = createBoundedMap<string, true>(remembered);
	/** Requests that a view has shown: the homeserver may repeat one while it is being carried out. */
	const shown = createBoundedMap<string, true>(remembered);
	/** Events that are being read or handed over, by their ids; each promise resolves when they are on disk. */
	const underWay = new Map<string, Promise<void>>();

	/**
	 * Hands events over. The homeserver repeats a transaction that we are slow to acknowledge: an event that is on disk, or
	 * about to be, is not read again, and the repeated transaction waits for it.
	 */
	async function take(events: readonly MatrixEvent[]): Promise<void> {
		let batch = createBatch();
		const flush = async () => {
			const full = batch;
			batch = createBatch();
			await full.hand();
		};
		try {
			for (const event of events) {
				const { event_id: id } = event;
				while (underWay.has(id)) {
					// The batch goes first, or two transactions might wait for each other.
					await flush();
					await underWay.get(id);
				}
				if (taken.has(id)) continue;
				batch.claim(id);
				const found = await Promise.try(() => guard.handle(itemOf(event), () => read(event))).catch(
					(error: unknown) => leaveOut(event, error),
				);
				if (!found) {
					batch.leave(id);
				} else if (found.kind === "request") {
					batch.leave(id);
					if (found.seen && !shown.has(id)) batch.add({ kind: "foreign", seen: found.seen });
					await flush();
					shown.set(id, true);
					await inTime(found.carryOut(), found.request);
				} else {
					if (found.kind === "echo") {
						deps.confirm(found);
						// A view has to show it once; else a repeated echo costs nothing.
						if (!found.seen) batch.leave(id);
					}
					batch.add(found);
				}
			}
			await flush();
		} finally {
			batch.giveUp();
		}
	}

	function createBatch() {
		const claimed = new Set<string>();
		const entries: TimelineEntry[] = [];
		const { promise, resolve } = Promise.withResolvers<void>();
		const leave = (id: string) => {
			claimed.delete(id);
			underWay.delete(id);
		};
		/** Ends the batch, handed over or not. */
		const end = () => {
			for (const id of claimed) leave(id);
			resolve();
		};
		return {
			/** No other transaction has to wait for this event. */
			leave,
			claim(id: string): void {
				claimed.add(id);
				underWay.set(id, promise);
			},
			add: (entry: TimelineEntry) => void entries.push(entry),
			/** @throws as {@link deps.receive} */
			async hand(): Promise<void> {
				try {
					if (entries.length > 0) await deps.receive(entries);
					for (const id of claimed) taken.set(id, true);
				} finally {
					end();
				}
			},
			/** A later event of the transaction could not be read: the homeserver repeats all of them. */
			giveUp: end,
		};
	}

	/** By event: how often it failed for an unknown reason. */
	const failures = createBoundedMap<string, number>(1_000);

	/** Skips an event on which the bridge's own code fails: the homeserver would repeat its transaction for ever. */
	function leaveOut({ event_id: event, room_id: room }: MatrixEvent, error: unknown): undefined {
		// The guard has logged it.
		if (error instanceof SetAside) return;
		const failed = (failures.get(event) ?? 0) + 1;
		failures.set(event, failed);
		if (error instanceof TemporaryError || (!isProgrammingError(error) && failed < attempts)) throw error;
		log.error(
			{ err: error, room, event },
			"an event is skipped because of a fault in the bridge; please report it",
		);
	}

	return take;
}
