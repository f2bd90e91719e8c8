import type { NetworkName, RoomId } from "./ids.ts";
import type { Link, Portal } from "./mapping.ts";
import type { Network } from "./network.ts";
import type { Bridge } from "./offered.ts";

/**
 * Returns the functions that show the picture, name and topic of a room in the other
 * rooms of its portal. Nothing is repeated that fails.
 */
export function createRoomLooks(deps: {
	portal(network: NetworkName, room: RoomId): Promise<Portal | undefined>;
	network(name: NetworkName): Pick<Network, "showPicture" | "describe">;
}): Pick<Bridge, "pictured" | "described"> {
	/** Resolves with the links of the other rooms that take something from this one. */
	async function others(of: NetworkName, room: RoomId): Promise<readonly Link[]> {
		const { links = [] } = (await deps.portal(of, room)) ?? {};
		const from = links.find((link) => link.network === of && link.room === room);
		return from?.in ? links.filter((link) => link.id !== from.id && link.out) : [];
	}
	return {
		async pictured(of, room, picture) {
			for (const link of await others(of, room)) deps.network(link.network).showPicture?.(link, picture);
		},
		async described(of, room, description) {
			for (const link of await others(of, room)) deps.network(link.network).describe?.(link, description);
		},
	};
}
