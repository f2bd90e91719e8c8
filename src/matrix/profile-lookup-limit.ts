import { createBoundedMap } from "../core/bounded-map.ts";
import { createSlots } from "./slots.ts";

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
	const inSlot = createSlots(atOnce, mostWaiting, "too many questions about people elsewhere");

	return {
		/**
		 * Resolves with the result of `ask`, undefined for a miss. @throws the
		 * errors of `ask`; TemporaryError when too many wait.
		 */
		async find<T>(mxid: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
			if ((missed.get(mxid) ?? 0) > Date.now()) return undefined;
			return inSlot(async () => {
				const found = await ask();
				if (found === undefined) missed.set(mxid, Date.now() + missedFor);
				return found;
			});
		},
	};
}
