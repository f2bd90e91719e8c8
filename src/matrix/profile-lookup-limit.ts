import { createBoundedMap } from "../core/bounded-map.ts";
import { TemporaryError } from "../core/errors.ts";

/** How many of them are asked about at once, and may wait to be. */
const [atOnce, mostWaiting] = [10, 200];
/** A miss is remembered for so many ms, and so many of them. */
const [missedFor, remembered] = [5 * 60_000, 10_000];

/**
 * Questions about people of other homeservers. Anybody on XMPP can ask, about as many as they like, and each costs our
 * homeserver a request to theirs: so few go at once, and who was not there is not asked about again for a while.
 */
export function createProfileLookupLimit() {
	const missed = createBoundedMap<string, number>(remembered);
	const waiting: (() => void)[] = [];
	let running = 0;

	/** @throws TemporaryError when too many wait already. */
	async function turn(): Promise<void> {
		if (running < atOnce) return void running++;
		if (waiting.length >= mostWaiting) throw new TemporaryError("too many questions about people elsewhere");
		// Whoever ends hands over their place, so `running` stays as it is.
		await new Promise<void>((resolve) => waiting.push(resolve));
	}

	return {
		/** What `ask` finds, undefined for nobody. @throws what `ask` throws, and TemporaryError when too many ask. */
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
