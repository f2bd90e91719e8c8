import type { CommandCall } from "./command.ts";
import { PermanentError } from "./errors.ts";
import type { NetworkName } from "./ids.ts";
import type { Bridge, Network } from "./network.ts";
import type { Level } from "./permissions.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";

/**
 * Returns the check that a command about a room comes from there, from a person who may change it. In a room that the bridge
 * made nobody has that right, so there everybody with the permission `inOurs` may. It throws PermanentError.
 */
export const createMustOwnRoom =
	(deps: {
		network(name: NetworkName): Pick<Network, "commandsAlone">;
		portals: Pick<Portals, "only">;
		bridge: Pick<Bridge, "allows">;
	}) =>
	async (call: CommandCall, inOurs: Level): Promise<void> => {
		const { network, room, sender } = call;
		if (deps.network(network).commandsAlone && !call.named)
			throw new PermanentError("invalid", phrases.sayInRoom);
		if (await call.mayChangeRoom()) return;
		const { links = [] } = (await deps.portals.only(network, room)) ?? {};
		const isOurs = links.some((link) => link.network === network && link.room === room && link.ours);
		if (!isOurs) throw new PermanentError("forbidden", phrases.noPower);
		if (!deps.bridge.allows(sender, inOurs)) throw new PermanentError("forbidden", phrases.onlyAdmins);
	};
