import { nickFor } from "../nick.ts";
import type { HostedContext } from "./context.ts";
import type { Place } from "./line.ts";
import { type HostedRoom, occupantOf } from "./room.ts";

/**
 * Returns the people of a room as the stanzas of one address name them: occupants by their nicks, people who have left by
 * the nick that their name gives.
 */
export const placeIn = (
	room: HostedRoom,
	address: string,
	{ occupantId }: Pick<HostedContext, "occupantId">,
): Pick<Place, "address" | "of"> => ({
	address,
	of(person) {
		const occupant = occupantOf(room, person);
		const id = occupant?.id ?? occupantId(room.id, person);
		return { nick: occupant?.nick ?? nickFor(person.name ?? "", person.address[0] ?? ""), occupantId: id };
	},
});
