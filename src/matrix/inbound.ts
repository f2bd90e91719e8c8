import { setTimeout as wait } from "node:timers/promises";
import { createAppservice, type Transaction } from "./appservice.ts";
import { createBackfill } from "./backfill/index.ts";
import { createEphemeral } from "./ephemeral.ts";
import { isEvent } from "./event.ts";
import { createIcon } from "./icon.ts";
import type { createLookup } from "./lookup.ts";
import { matrixNetwork } from "./mxid.ts";
import type { SendOnce } from "./send-once.ts";
import { createThirdParty } from "./third-party.ts";
import { eventsIn, seenOf } from "./timeline.ts";
import { createTransactions } from "./transactions.ts";

/**
 * How long, in ms, a transaction that holds only our own events waits before it is acknowledged. Meanwhile more of them
 * gather in the next one: a transaction for each line would cost the homeserver, and us, as much as the line itself.
 */
const gathering = 10;

/**
 * Takes what the homeserver sends: transactions, with the backfill before them, and queries for aliases and ghosts. The
 * way of a transaction: {@link createAppservice}, `backfill.takeTransaction`, {@link createTransactions}, core.
 */
export function createInbound(
	deps: Omit<Parameters<typeof createTransactions>[0], "confirm" | "receive"> &
		Omit<Parameters<typeof createBackfill>[0], "take"> &
		Parameters<typeof createAppservice>[0] &
		Omit<Parameters<typeof createThirdParty>[0], "limited" | "icon"> &
		Parameters<typeof createIcon>[0] &
		Readonly<{ sendOnce: SendOnce; lookup: ReturnType<typeof createLookup> }>,
) {
	const { bridge, bot, isOurs, lookup, log } = deps;
	const take = createTransactions({
		...deps,
		confirm: deps.sendOnce.confirm,
		// Core has no use for echoes, which only a view shows, in their place among the others.
		receive: async (entries) => {
			const [foreign, seen] = [eventsIn(entries), seenOf(entries)];
			const taken = [
				foreign.length > 0 ? bridge.receive(foreign) : undefined,
				seen.length > 0 ? bridge.seen(matrixNetwork, seen) : undefined,
			];
			// Both share a commit. Neither is left behind when the other one fails.
			await Promise.allSettled(taken);
			await Promise.all(taken);
		},
	});
	const backfill = createBackfill({ ...deps, take });

	const passing = createEphemeral(deps);

	async function transaction({ id, events, ephemeral }: Transaction): Promise<void> {
		const known = events.filter(isEvent);
		passing.note(known);
		passing.take(ephemeral);
		if (known.length < events.length)
			log.warn({ count: events.length - known.length }, "skipped malformed events of a transaction");
		await backfill.takeTransaction(id, known);
		if (known.length > 0 && known.every((event) => isOurs(event.sender))) await wait(gathering);
	}
	const user = async (mxid: string) => mxid === bot || lookup.ghost(mxid);
	const thirdParty = createThirdParty({ ...deps, limited: lookup.limited, icon: createIcon(deps) });
	// A ping tells whether the homeserver has another hs_token, or a stranger came.
	const unauthorized = backfill.doubtPath;
	const listener = createAppservice(
		deps,
		{ transaction, alias: lookup.alias, user, thirdParty, unauthorized },
		log,
	);

	return {
		backfill,
		/** Starts to listen. @throws Error when the port is not available. */
		async start(): Promise<void> {
			await listener.start();
			backfill.start();
		},
		/** Takes nothing more, and resolves when the transactions under way are finished. */
		pause: () => backfill.pause(listener.stop()),
	};
}
