import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { createRateLimit } from "../core/limits.ts";
import type { Address } from "./mxid.ts";

/** The subject of a query: an address may be a room's and no person's. */
export type Wanted = Address & Readonly<{ kind: "person" | "room" }>;

/** Rate limits on queries: about one server, about all servers without a hit so far, and about all servers with one. */
const limits = {
	server: { perMinute: 10, burst: 40 },
	unknown: { perMinute: 60, burst: 200 },
	known: { perMinute: 300, burst: 600 },
};
/** Time in ms for which a miss is remembered, and most misses that are kept. */
const [missedFor, mostMissed] = [60_000, 10_000];
/** Most servers that are remembered as known. */
const mostKnown = 10_000;
const bytes = 4 * 1_048_576;

/**
 * Limits the homeserver's queries for portals and ghosts that do not exist yet. Anybody on any homeserver can cause one,
 * and the query does not name its author. So each server in the queried addresses has a rate limit of its own, and known
 * servers, which had a hit before, share a rate limit apart from all others, so that queries for names that do not exist
 * cannot use it up.
 */
export function createQueryLimit(now: () => number = Date.now) {
	const ofServer = createRateLimit(limits.server, now);
	const ofUnknown = createRateLimit(limits.unknown, now);
	const ofKnown = createRateLimit(limits.known, now);
	const missed = createBoundedMap<string, number>(mostMissed, { bytes, of: (key) => textBytes(key) });
	const known = createBoundedMap<string, true>(mostKnown, { bytes, of: (key) => textBytes(key) });

	const keyOf = ({ kind, network, address }: Wanted) => JSON.stringify([kind, network, ...address]);

	return {
		/** Whether a recent query for this address found nothing. */
		missed: (wanted: Wanted): boolean => (missed.get(keyOf(wanted)) ?? 0) > now(),
		/** Whether the rate limits permit one more query for this address. */
		may(wanted: Wanted): boolean {
			const server = serverOf(wanted);
			return ofServer(server) && (known.has(server) ? ofKnown("") : ofUnknown(""));
		},
		note(wanted: Wanted, found: boolean): void {
			if (found) known.set(serverOf(wanted), true);
			else missed.set(keyOf(wanted), now() + missedFor);
		},
	};
}

/** Returns the last two labels of the server in an address: the owner of a domain can make any number of subdomains. */
function serverOf({ network, address: [first = ""] }: Address): string {
	const domain = first.slice(first.lastIndexOf("@") + 1).toLowerCase();
	return `${network} ${domain.split(".").slice(-2).join(".")}`;
}
