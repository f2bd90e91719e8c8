import { PermanentError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Link, Mapping, Portal } from "./mapping.ts";
import type { Network } from "./network.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";

/** The most views. At each start the server of the source is asked about every one. */
const mostViews = 10_000;
/** Views that are looked at for one that nobody uses. */
const lookedAt = 20;

const viewIn = ({ links }: Portal): Link | undefined =>
	links.find(({ role, out }) => role === "hosted" && !out);

/** Returns the function that makes space for one more view: above the bound it ends one that has no people any more. */
export function createViewBound(deps: {
	mapping: Pick<Mapping, "portals">;
	network(name: Link["network"]): Pick<Network, "hosting">;
	portals: Pick<Portals, "unlink">;
	log: Log;
	most?: number | undefined;
}) {
	const { mapping, network, portals, log, most = mostViews } = deps;

	/** Resolves with true if the view is ended, because none of its people has a ghost in the source. */
	async function endUnused(portal: Portal): Promise<boolean> {
		const view = viewIn(portal);
		const source = portal.links.find((link) => link !== view && network(link.network).hosting);
		if (!view || !source?.room) return false;
		try {
			const { members = [] } = (await network(source.network).hosting?.view(source.room)) ?? {};
			if (members.some((person) => person.network === view.network)) return false;
		} catch (error) {
			// The source answers for good that none of our accounts is in the room.
			if (!(error instanceof PermanentError)) return false;
		}
		await portals.unlink(source.network, source.room, [view]);
		log.info({ room: source.room }, "ended a view that nobody used, to make space for another one");
		return true;
	}

	/** @throws PermanentError if all are in use */
	return async (): Promise<void> => {
		const views = (await mapping.portals()).filter(viewIn);
		if (views.length < most) return;
		const first = Math.floor(Math.random() * views.length);
		const some = [...views.slice(first), ...views.slice(0, first)].slice(0, lookedAt);
		for (const portal of some) if (await endUnused(portal)) return;
		throw new PermanentError("busy", phrases.tooManyViews);
	};
}
