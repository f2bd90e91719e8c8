import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { createRateLimit } from "../core/limits.ts";
import type { Address } from "./mxid.ts";

/** Questions about one server, and about all servers where nothing was found yet, and where something was. */
const limits = {
	server: { perMinute: 10, burst: 40 },
	unknown: { perMinute: 60, burst: 200 },
	known: { perMinute: 300, burst: 600 },
};
/** For how long a no counts, in ms, and how many of them are kept. */
const [missedFor, mostMissed] = [60_000, 10_000];
/** Servers that are kept as known. */
const mostKnown = 10_000;
const bytes = 4 * 1_048_576;

/**
 * Shares out the questions for rooms and people that are not here yet. Anybody on any homeserver can ask, and the bridge
 * is not told who: so each server that is asked about has a share, and servers where something was found before share
 * nothing with all others. A stranger who asks for what is not there uses up no other's share.
 */
export function createMakingLimit(now: () => number = Date.now) {
	const ofServer = createRateLimit(limits.server, now);
	const ofUnknown = createRateLimit(limits.unknown, now);
	const ofKnown = createRateLimit(limits.known, now);
	const missed = createBoundedMap<string, number>(mostMissed, { bytes, of: (key) => textBytes(key) });
	const known = createBoundedMap<string, true>(mostKnown, { bytes, of: (key) => textBytes(key) });

	const keyOf = ({ network, address }: Address) => JSON.stringify([network, ...address]);

	return {
		/** Whether the answer is known to be no. */
		missed: (wanted: Address): boolean => (missed.get(keyOf(wanted)) ?? 0) > now(),
		/** Whether one more question about this address may be asked. */
		may(wanted: Address): boolean {
			const server = serverOf(wanted);
			return ofServer(server) && (known.has(server) ? ofKnown("") : ofUnknown(""));
		},
		note(wanted: Address, found: boolean): void {
			if (found) known.set(serverOf(wanted), true);
			else missed.set(keyOf(wanted), now() + missedFor);
		},
	};
}

/** The server in an address, by its last two labels: whoever has a domain can make any number of names below it. */
function serverOf({ network, address: [first = ""] }: Address): string {
	const domain = first.slice(first.lastIndexOf("@") + 1).toLowerCase();
	return `${network} ${domain.split(".").slice(-2).join(".")}`;
}
