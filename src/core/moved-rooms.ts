import { randomBytes } from "node:crypto";
import type { Guard } from "./guard.ts";
import type { MessageId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";
import type { Link } from "./mapping.ts";
import type { Bridge, Network, Received } from "./network.ts";
import type { Portals } from "./portals.ts";

/** Time, in ms, in which people may follow their room to its new place before they leave the other rooms. */
const followWithin = 5 * 60_000;

/** Creates the move of a portal to a room that takes the place of another one: people, link and settings go along. */
export function createMovedRooms(deps: {
	portals: Pick<Portals, "only" | "move" | "roomsOf">;
	network(name: Link["network"]): Pick<Network, "members">;
	journal: Pick<Journal, "members" | "forget">;
	sync: Bridge["sync"];
	receive(events: readonly Received[]): Promise<void>;
	guard: Guard;
	log: Log;
}): Bridge["moved"] {
	const { portals, network, journal, sync, receive, guard, log } = deps;
	return async (of, from, to) => {
		const portal = await portals.only(of, from);
		const link = portal?.links.find((one) => one.network === of && one.room === from);
		if (!portal || !link || link.role !== "joined" || portal.between) return false;
		// Before anything is forgotten: the portal stays as it is.
		if (await portals.only(of, to)) return false;
		const were = await journal.members(of, from);
		const others = portal.links.filter((one) => one.id !== link.id && one.role === "joined");
		// Forgotten members count as new in the next sync, which mirrors them to the new room.
		for (const { network: on, room } of others) if (room) await journal.forget(on, room);
		const moved = await portals.move(portal, link, to);
		if (!moved) return false;
		log.info({ rooms: portals.roomsOf(moved) }, "a portal follows its room to a new one");
		for (const { network: on, room } of others)
			if (room) await sync(on, room, await network(on).members(room));

		async function partWithOthers(): Promise<void> {
			const here = new Set((await network(of).members(to)).map(({ id }) => id));
			const gone = were.filter(({ id }) => !here.has(id));
			await receive(
				gone.map((sender) => {
					const id = `stayed ${randomBytes(9).toString("base64url")}` as MessageId;
					return { kind: "membership", change: "leave", id, room: to, sender, at: Date.now(), gone: true };
				}),
			);
		}
		setTimeout(
			() => void guard.run("people who did not follow a room", partWithOthers),
			followWithin,
		).unref();
		return true;
	};
}
