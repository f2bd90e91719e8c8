import { setTimeout as sleep } from "node:timers/promises";

/** Time, in ms, for which a change is awaited in the timeline of the source, and between two looks for it. */
const [longest, look] = [5_000, 20];

/**
 * Resolves when the room shows a change that the source has made, or after five seconds: the next request of a client is
 * judged by the room as it is then.
 */
export async function untilShown(isShown: () => boolean): Promise<void> {
	for (let waited = 0; !isShown() && waited < longest; waited += look) await sleep(look);
}
