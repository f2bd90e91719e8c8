import { PermanentError } from "../../core/errors.ts";
import { personKey } from "../../core/hosting.ts";
import type { RoomId, UserId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import * as phrases from "../phrases.ts";
import type { Venue } from "../private/venue.ts";
import type { HostedContext } from "./context.ts";
import { reveal } from "./reveal.ts";
import { type HostedRoom, type Occupant, occupantOf } from "./room.ts";

/** Private chats of people in hosted rooms with people of the source. */

/**
 * Returns an occupant as private chats know them. The chat belongs to this room, so that the person reads it under the nick
 * of the other one, while the ghost that writes is the ghost that the room shows.
 */
export const metIn = (room: HostedRoom, { person, nick }: Occupant): Person => ({
	...person,
	id: `${room.id} ${person.id}` as UserId,
	address: [room.id, nick],
	name: nick,
	within: room.facts.name ?? room.facts.alias?.[0] ?? room.id,
	ghostOf: person,
});

/** Returns the hosted rooms as a place of private chats. */
export function createPrivateVenue(context: HostedContext): Venue {
	const roomAt = (muc: string) => context.rooms.get(muc as RoomId) ?? context.rooms.at(muc);

	const occupantIn = (room: HostedRoom, person: string) =>
		room.people.get(personKey({ network: xmppNetwork, id: person.slice(room.id.length + 1) as UserId }));

	/** Sends to all clients of an occupant. */
	const send = (to: Occupant, from: Occupant, make: Parameters<Venue["write"]>[2]) =>
		context.out.send(to.sessions.values(), (address) => make(`${address}/${from.nick}`, undefined));

	return {
		has: (muc) => roomAt(muc) !== undefined,
		nick(muc, person) {
			const room = roomAt(muc);
			return room && occupantIn(room, person)?.nick;
		},
		async write({ muc, person, within }, ours, make) {
			const gone = () => new PermanentError("not-found", phrases.privateGone(within));
			const room = roomAt(muc);
			if (!room) throw gone();
			const occupant = occupantIn(room, person);
			if (!occupant || occupant.sessions.size === 0) throw gone();
			const mine = occupantOf(room, ours);
			if (!mine) throw new PermanentError("forbidden", phrases.privateOutside(within));
			reveal(room, mine, context);
			send(occupant, mine, make);
		},
		async show({ muc, person }, ours, make) {
			const room = roomAt(muc);
			const [occupant, mine] = room ? [occupantIn(room, person), occupantOf(room, ours)] : [];
			if (occupant && mine) send(occupant, mine, make);
		},
	};
}
