import type { RoomId } from "../../core/ids.ts";
import { bare } from "../jid.ts";
import type { Element } from "../stream/xml.ts";
import { addSession, removeSession } from "./occupants.ts";
import { type HostedRoom, type Joined, type Session, sessionKey } from "./room.ts";

/** The hosted rooms that are in memory: by id, by each address that people joined them by, and by session. */
export function createRooms() {
	const byId = new Map<RoomId, HostedRoom>();
	const byAddress = new Map<string, HostedRoom>();
	const joined = new Map<string, Joined>();
	/** The number of sessions of each account. */
	const ofAccounts = new Map<string, number>();

	function count(account: string, more: 1 | -1): void {
		const sessions = (ofAccounts.get(account) ?? 0) + more;
		if (sessions > 0) ofAccounts.set(account, sessions);
		else ofAccounts.delete(account);
	}

	return {
		get: (id: RoomId): HostedRoom | undefined => byId.get(id),
		/** Returns the room at a bare JID; undefined if nobody has joined it there. */
		at: (address: string): HostedRoom | undefined => byAddress.get(address),
		all: (): Iterable<HostedRoom> => byId.values(),
		add(room: HostedRoom): void {
			byId.set(room.id, room);
			byAddress.set(room.id, room);
		},
		/** Names a further address of a room. */
		addAddress(room: HostedRoom, address: string): void {
			byAddress.set(address, room);
		},
		remove(room: HostedRoom): void {
			byId.delete(room.id);
			for (const [address, one] of byAddress) if (one === room) byAddress.delete(address);
		},

		/** Returns the session from which a stanza to a room, or to a nick of it, comes; undefined for one that has not joined. */
		joined: ({ attrs: { from = "", to = "" } }: Pick<Element, "attrs">): Joined | undefined =>
			joined.get(sessionKey(bare(to), from)),
		joinedAs: ({ address, jid }: Pick<Session, "address" | "jid">): Joined | undefined =>
			joined.get(sessionKey(address, jid)),
		allJoined: (): Iterable<Joined> => joined.values(),
		/** Returns the number of all sessions, or of those of the account at a bare JID. */
		sessions: (account?: string): number =>
			account === undefined ? joined.size : (ofAccounts.get(account) ?? 0),
		addSession(one: Joined): void {
			addSession(one);
			const { address, jid } = one.session;
			joined.set(sessionKey(address, jid), one);
			count(bare(jid), 1);
		},
		removeSession(one: Joined): void {
			const { address, jid } = one.session;
			removeSession(one);
			if (joined.delete(sessionKey(address, jid))) count(bare(jid), -1);
		},
	};
}
export type Rooms = ReturnType<typeof createRooms>;
