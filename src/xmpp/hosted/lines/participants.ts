import { personKey } from "../../../core/hosting.ts";
import type { UserId } from "../../../core/ids.ts";
import { xmppNetwork } from "../../from-xmpp.ts";
import { bare, resource } from "../../jid.ts";
import type { Participants } from "../../message/feature.ts";
import type { HostedRoom } from "../room.ts";
import type { World } from "../world.ts";

/**
 * Returns the lookup of people, nicks and occupant-ids of a hosted room, for a client that knows it by `address`. `standsFor`
 * returns the person of the ghost at a JID. Pure.
 */
export function participantsOf(
	room: HostedRoom,
	address: string,
	standsFor: World["standsFor"],
): Participants {
	const ghostAt = (jid: string) => {
		const of = standsFor(jid);
		const is = (parts: readonly string[]) => parts.join("\0") === of?.address.join("\0");
		return (
			of && room.people.values().find(({ person }) => person.network === of.network && is(person.address))
		);
	};
	return {
		muc: address,
		named: "sid",
		at(jid) {
			if (bare(jid) === address) return room.occupants.get(resource(jid) ?? "")?.person;
			const id = bare(jid) as UserId;
			return room.people.get(personKey({ network: xmppNetwork, id }))?.person ?? ghostAt(bare(jid))?.person;
		},
		known: (occupantId) => room.people.values().find(({ id }) => id === occupantId)?.person,
		of(person) {
			const found = room.people.get(personKey(person));
			return found ? { nick: found.nick, jid: `${address}/${found.nick}`, occupantId: found.id } : {};
		},
	};
}
