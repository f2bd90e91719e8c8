import type { HostedContext } from "../context.ts";
import { freeNick } from "../occupants.ts";
import { type HostedRoom, occupantOf } from "../room.ts";
import type { Place } from "./line.ts";

/**
 * Returns the people of a room as the stanzas of one address name them: occupants by their nicks, people who have left by
 * the nick that they would get now, so that nobody takes their lines for those of somebody who is there.
 */
export const placeIn = (
	room: HostedRoom,
	address: string,
	{ occupantId }: Pick<HostedContext, "occupantId">,
): Pick<Place, "address" | "of"> => ({
	address,
	of(person) {
		const occupant = occupantOf(room, person);
		const id = occupant?.id ?? occupantId(room, person);
		const nick = occupant?.nick ?? freeNick(room, person.name ?? person.address[0] ?? "", person);
		return { nick, occupantId: id };
	},
});
