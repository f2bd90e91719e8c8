import { madeLevels, personKey, type RoomFacts } from "../../../core/hosting.ts";
import type { RoomId } from "../../../core/ids.ts";
import type { Person } from "../../../core/person.ts";
import type { Element } from "../../stream/xml.ts";
import type { SessionStore, StoredSession } from "../sessions.ts";

/** A room that somebody makes, until its form is submitted: no Matrix room exists yet, and nobody else comes in. */
export type LockedRoom = {
	/** The bare JID by which it is made, and the localpart of the alias that this stands for. */
	readonly address: string;
	readonly alias: string;
	/** The person who makes it, under the nick as name. */
	readonly person: Person;
	/** The full JID of the client. */
	readonly jid: string;
	/** The presence by which the client came in, with the payloads of its last one. */
	join: Element;
	readonly nick: string;
	/** The text by which the room is known for this one, and by which its occupants get their ids. */
	readonly seed: string;
	/** The time, in ms since 1970, at which it is given up. */
	readonly until: number;
	/** making: the form was submitted; left: the client has gone meanwhile. */
	state: "open" | "making" | "left";
};

/** Locked rooms of one account and of all. */
const most = { ofAccount: 10, inAll: 1_000 };

/** Returns the client of a locked room as the journal keeps it. */
export const lockedForm = ({ address, jid, nick, seed }: LockedRoom): StoredSession => ({
	...{ address, jid, nick, seed },
	view: seed as RoomId,
});

/** The rooms that are being made, by address. */
export function createLockedRooms(store: Pick<SessionStore, "save" | "remove">) {
	const rooms = new Map<string, LockedRoom>();
	return {
		at: (address: string): LockedRoom | undefined => rooms.get(address),
		all: (): Iterable<LockedRoom> => rooms.values(),
		/** Returns true if the person, or all people together, make as many rooms at once as they may. */
		isFull: ({ id }: Pick<Person, "id">): boolean =>
			rooms.size >= most.inAll ||
			[...rooms.values()].filter(({ person }) => person.id === id).length >= most.ofAccount,
		/** Resolves when the room is on disk. Never rejects. */
		add(room: LockedRoom): Promise<void> {
			rooms.set(room.address, room);
			return store.save(lockedForm(room));
		},
		remove(room: LockedRoom): void {
			rooms.delete(room.address);
			void store.remove(room);
		},
	};
}
export type LockedRooms = ReturnType<typeof createLockedRooms>;

/** Returns the facts that a locked room would have if it were made now. */
export function factsOf({ alias, person, seed }: LockedRoom): RoomFacts {
	const { owner, admin, moderator, others } = madeLevels;
	return {
		room: seed as RoomId,
		id: seed,
		alias: [alias],
		entry: "everybody",
		listed: true,
		local: true,
		count: 1,
		made: true,
		seed,
		levels: {
			of: new Map([[personKey(person), owner]]),
			people: [person],
			creators: new Set(),
			others,
			needed: {
				...{ speak: others, topic: moderator, name: owner, picture: owner, redact: moderator },
				...{ kick: moderator, ban: admin, invite: others, levels: owner },
			},
		},
	};
}
