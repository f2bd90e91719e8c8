import { setTimeout as sleep } from "node:timers/promises";
import type { PortalId } from "./ids.ts";

/** Longest wait, in ms, for the in-flight delivery of a message that another event or a signal refers to. */
export const referenceWithin = 3_000;

export type InFlight = ReturnType<typeof createInFlight>;

/** Creates the list of each portal's in-flight deliveries, so that an event that refers to one can wait for its ids. */
export function createInFlight() {
	const portals = new Map<PortalId, Set<Promise<unknown>>>();

	return {
		/** Returns `work`, which counts as in flight until it settles. */
		add<T>(portal: PortalId, work: Promise<T>): Promise<T> {
			const all = portals.get(portal) ?? new Set();
			portals.set(portal, all.add(work));
			const settled = () => {
				all.delete(work);
				if (all.size === 0 && portals.get(portal) === all) portals.delete(portal);
			};
			work.then(settled, settled);
			return work;
		},
		/** Resolves when the portal's present in-flight deliveries have settled, after `ms` at the latest. */
		async settled(portal: PortalId, ms: number): Promise<void> {
			const all = portals.get(portal);
			if (all) await Promise.race([Promise.allSettled(all), sleep(ms, undefined, { ref: false })]);
		},
	};
}
