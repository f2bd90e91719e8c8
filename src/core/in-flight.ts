import { setTimeout as sleep } from "node:timers/promises";
import type { PortalId } from "./ids.ts";

/** Keeps the deliveries that are under way in each portal, so that what refers to one can wait for its ids. */
export function createInFlight() {
	const portals = new Map<PortalId, Set<Promise<unknown>>>();

	return {
		/** Returns `work`, which counts as under way until it settles. */
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
		/** Resolves when what is now under way in the portal is settled, after `ms` at the latest. */
		async settled(portal: PortalId, ms: number): Promise<void> {
			const all = portals.get(portal);
			if (all) await Promise.race([Promise.allSettled(all), sleep(ms, undefined, { ref: false })]);
		},
	};
}
