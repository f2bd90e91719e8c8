import { createBoundedMap } from "../core/bounded-map.ts";
import { TemporaryError } from "../core/errors.ts";

/** Most lookups that run at once, and that wait. */
const [atOnce, mostWaiting] = [10, 200];
/** Time in ms for which a miss is remembered, and most misses that are kept. */
const [missedFor, remembered] = [5 * 60_000, 10_000];

/**
 * Limits the lookups of profiles on other homeservers. Anybody on XMPP can cause any number of them, and each costs the
 * homeserver a federation request: so few run at once, and a miss is not looked up again for a while.
 */
export function createProfileLookupLimit() {
	const missed = createBoundedMap<string, number>(remembered);
	const waiting: (() => void)[] = [];
	let running = 0;

	/** Resolves when the lookup may run. @throws TemporaryError when too many wait already. */
	async function turn(): Promise<void> {
		if (running < atOnce) return void running++;
		if (waiting.length >= mostWaiting) throw new TemporaryError("too many questions about people elsewhere");
		// A lookup that ends hands its slot to the next one, so `running` stays the same.
		await new Promise<void>((resolve) => waiting.push(resolve));
	}

	return {
		/** Resolves with the result of `ask`, undefined for a miss. @throws the errors of `ask`; TemporaryError when too many wait. */
		async find<T>(mxid: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
			if ((missed.get(mxid) ?? 0) > Date.now()) return undefined;
			await turn();
			try {
				const found = await ask();
				if (found === undefined) missed.set(mxid, Date.now() + missedFor);
				return found;
			} finally {
				const next = waiting.shift();
				if (next) next();
				else running--;
			}
		},
	};
}
