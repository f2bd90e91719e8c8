import { createBoundedMap, textBytes } from "./bounded-map.ts";
import type { BridgeEvent } from "./event.ts";

/** The most rooms whose backfill the rate limits follow at the same time. */
const most = 1_000;

/** Returns the function that tells the time at which a late message of a gap counts in the rate limits. */
export function createGapTimes(placeOf: (event: BridgeEvent) => string) {
	/** The gap of each room: the last read before it, and the time that its first message claims. Both in ms since 1970. */
	const missed = createBoundedMap<string, { since: number; first: number }>(most, {
		bytes: 1_048_576,
		of: (room) => textBytes(room) + 100,
	});

	/**
	 * Returns the time at which a late message counts, in ms since 1970. It takes only the distance to the first message of
	 * the gap from the claimed times, and the rate limit ignores times in the future: so the messages of a gap never count
	 * as spread over more time than the gap lasted, whatever the source's clock says.
	 */
	return (event: BridgeEvent, since: number): number => {
		const place = placeOf(event);
		const known = missed.get(place);
		const gap = known?.since === since ? known : { since, first: event.at };
		if (gap !== known) missed.set(place, gap);
		return since + Math.max(0, event.at - gap.first);
	};
}
