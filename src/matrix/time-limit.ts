import { setTimeout as wait } from "node:timers/promises";
import type { Log } from "../core/log.ts";

/** How long a transaction waits for the work of a request, in ms. */
const patience = 2_000;

/**
 * Returns a function that waits for the work of a person's request, up to {@link patience}; it logs an error and never
 * rejects, since the homeserver must not repeat a transaction for it. While one request takes longer, the function waits
 * for no other: a person who asks for slow servers again and again would hold up every transaction.
 */
export function createTimeLimit(log: Log): (work: Promise<void>, what: string) => Promise<void> {
	/** Requests that took longer than the limit and still run. */
	let overdue = 0;

	return async function inTime(work, what) {
		const done = work.catch((error: unknown) =>
			log.error({ err: error, what }, "an invite, a command or a notice failed"),
		);
		if (overdue > 0) return;
		const late = new AbortController();
		const over = wait(patience, true, { signal: late.signal }).catch(() => undefined);
		if (await Promise.race([done, over])) {
			overdue++;
			void done.then(() => overdue--);
		}
		late.abort();
	};
}
