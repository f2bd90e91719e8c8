import { type Command, defineCommand } from "./command.ts";
import { PermanentError } from "./errors.ts";
import type { NetworkName } from "./ids.ts";
import type { Bridge, Network } from "./network.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";
import { createMustOwnRoom } from "./room-owners.ts";

/** Creates the command by which people confirm that their room goes on with the successor of a closed room. */
export function createFollowCommand(deps: {
	network(name: NetworkName): Network;
	portals: Pick<Portals, "only">;
	bridge: Pick<Bridge, "allows" | "moved">;
}): Command {
	const { network, portals, bridge } = deps;
	const mustOwnRoom = createMustOwnRoom(deps);
	return defineCommand({
		name: "follow",
		parameters: [],
		help: "go on with the room that takes the place of a linked one that was closed",
		level: "link",
		ofRoom: true,
		run: async (call) => {
			await mustOwnRoom(call, "link");
			const portal = await portals.only(call.network, call.room);
			if (!portal) return phrases.noPortal;
			for (const link of portal.links) {
				const there = network(link.network);
				const address = link.network === call.network ? undefined : await there.successor?.(link);
				if (!address || !link.room) continue;
				const { room: next, name = address.join(" ") } = await there.findRoom(address);
				if (await bridge.moved(link.network, link.room, next)) return phrases.linked(name);
				throw new PermanentError("failed", phrases.linkedElsewhere(name, undefined));
			}
			return phrases.nothingToFollow;
		},
	});
}
