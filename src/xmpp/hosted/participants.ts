import { personKey } from "../../core/hosting.ts";
import type { UserId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { bare, resource } from "../jid.ts";
import type { Participants } from "../message/feature.ts";
import type { HostedRoom } from "./room.ts";

/**
 * Returns the lookup of people, nicks and occupant-ids of a hosted room, for a client that knows it by `address`. `ghost`
 * returns the bare JID of a ghost. Pure.
 */
export function participantsOf(
	room: HostedRoom,
	address: string,
	ghost: (person: Person) => string,
): Participants {
	let ghosts: ReadonlyMap<string, Person> | undefined;
	/** The ghosts by their JIDs: few stanzas name one. */
	const ghostAt = (jid: string) => {
		const others = [...room.people.values()].filter(({ person }) => person.network !== xmppNetwork);
		ghosts ??= new Map(others.map(({ person }) => [ghost(person), person]));
		return ghosts.get(jid);
	};
	return {
		muc: address,
		named: "sid",
		at(jid) {
			if (bare(jid) === address) return room.occupants.get(resource(jid) ?? "")?.person;
			const id = bare(jid) as UserId;
			return room.people.get(personKey({ network: xmppNetwork, id }))?.person ?? ghostAt(bare(jid));
		},
		known: (occupantId) => room.people.values().find(({ id }) => id === occupantId)?.person,
		of(person) {
			const found = room.people.get(personKey(person));
			return found ? { nick: found.nick, jid: `${address}/${found.nick}`, occupantId: found.id } : {};
		},
	};
}
