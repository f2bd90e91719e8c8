import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "./backoff.ts";
import { TemporaryError } from "./errors.ts";
import type { NetworkName, RoomId } from "./ids.ts";
import type { Log } from "./log.ts";
import type { Bridge, Network } from "./network.ts";
import type { Portals } from "./portals.ts";

/** Attempts to tell a room that its link ends. After the last one the link ends all the same. */
const tries = 10;

/**
 * Creates the end of a link whose room wants the bridge no more: the portal's other rooms read the reason, and then the
 * link is removed for good.
 */
export function createEndedLinks(deps: {
	portals: Pick<Portals, "only" | "unlink" | "roomsOf">;
	network(name: NetworkName): Pick<Network, "announce">;
	sync: Bridge["sync"];
	log: Log;
}): Bridge["ended"] {
	const { portals, network, sync, log } = deps;
	/** The rooms whose ends are under way. */
	const ending = new Set<string>();

	async function tell(to: NetworkName, room: RoomId, why: string): Promise<void> {
		for (let attempt = 1; ; attempt++)
			try {
				return await network(to).announce?.(room, why);
			} catch (error) {
				if (!(error instanceof TemporaryError) || attempt === tries) {
					log.warn({ err: error, room }, "a room could not be told that its link has ended");
					return;
				}
				await sleep(backoff(attempt, { first: 1_000, most: 60_000 }), undefined, { ref: false });
			}
	}

	async function end(name: NetworkName, room: RoomId, why: string): Promise<void> {
		const portal = await portals.only(name, room);
		const link = portal?.links.find((one) => one.network === name && one.room === room);
		const other = portal?.links.find((one) => one !== link && one.room !== undefined);
		if (!portal || !link || !other?.room) return;
		log.warn({ rooms: portals.roomsOf(portal), why }, "a room wants the bridge no more: its link ends");
		for (const one of portal.links) if (one !== link && one.room) await tell(one.network, one.room, why);
		// The remaining rooms see the people of this link leave.
		await sync(name, room, []);
		await portals.unlink(other.network, other.room, [link]);
	}

	return async (name, room, why) => {
		const key = `${name} ${room}`;
		if (ending.has(key)) return;
		ending.add(key);
		try {
			await end(name, room, why);
		} finally {
			ending.delete(key);
		}
	};
}
