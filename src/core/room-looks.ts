import type { NetworkName, RoomId } from "./ids.ts";
import type { Portal } from "./mapping.ts";
import type { Network } from "./network.ts";
import type { Avatar } from "./person.ts";

/** Returns the function that shows the picture of a room in the other rooms of its portal. Nothing is repeated that fails. */
export const createRoomPictures =
	(deps: {
		portal(network: NetworkName, room: RoomId): Promise<Portal | undefined>;
		network(name: NetworkName): Pick<Network, "showPicture">;
	}) =>
	async (of: NetworkName, room: RoomId, picture: Avatar | null): Promise<void> => {
		const { links = [] } = (await deps.portal(of, room)) ?? {};
		const from = links.find((link) => link.network === of && link.room === room);
		if (!from?.in) return;
		for (const link of links)
			if (link.id !== from.id && link.out) deps.network(link.network).showPicture?.(link, picture);
	};
