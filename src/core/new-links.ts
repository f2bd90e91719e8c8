import { randomUUID } from "node:crypto";
import type { LinkId, NetworkName, RoomId } from "./ids.ts";
import type { Link, Role } from "./mapping.ts";

export const newLink = (network: NetworkName, role: Role, room?: RoomId): Link => ({
	id: randomUUID() as LinkId,
	network,
	role,
	...(room && { room }),
	in: true,
	out: role !== "mirror",
});

/** Returns the link that a person makes to a room of a network of sources. */
export const newSource = (network: NetworkName, room: RoomId): Link => ({
	...newLink(network, "joined", room),
	out: false,
});

/** Returns the link of a view, which takes no rows: it shows the timeline of its source. */
export const newView = (network: NetworkName, room: RoomId): Link => ({
	...newLink(network, "hosted", room),
	out: false,
});
