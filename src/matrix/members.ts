import type { NetworkName, UserId } from "../core/ids.ts";
import { nameOf } from "../core/names.ts";
import type { Person } from "../core/person.ts";
import type { Client } from "./client.ts";
import { type MatrixEvent, text } from "./event.ts";
import { parts, personAddress } from "./mxid.ts";

export const name = "matrix" as NetworkName;
export const title = "Matrix";
/** Members of one room that are kept in mind. Our own are kept in any case: they are as many as we make. */
const mostMembers = 100_000;

export type Members = ReturnType<typeof createMembers>;

/** Who is in the rooms we serve, ghosts too, and what they are called: read once, then kept by the events we are sent. */
export function createMembers(client: Pick<Client, "joinedMembers">, domain: string) {
	const rooms = new Map<string, Map<string, string>>();
	const localpart = (mxid: string) => parts(mxid)?.[0] ?? mxid;

	/** What somebody is called in a room, as one short line; `name` as their homeserver gives it. */
	const called = (name: unknown, mxid: string) => nameOf(text(name)) || localpart(mxid);

	function person(mxid: string, displayName?: string): Person {
		const server = parts(mxid)?.[1] ?? "";
		return {
			network: name,
			id: mxid as UserId,
			address: personAddress(mxid, domain) ?? [mxid],
			name: nameOf(displayName ?? "") || localpart(mxid),
			handles: [mxid],
			domain: server,
			...(server === domain && { local: true as const }),
		};
	}

	return {
		/** Somebody of whom we know the name, or no more than the address. */
		person,
		known: (room: string) => rooms.has(room),
		/** Reads who is in a room, as somebody who is in it. */
		async read(room: string, as?: string): Promise<void> {
			const { joined } = await client.joinedMembers(room, as);
			const list = Object.entries(joined);
			rooms.set(
				room,
				new Map(
					list.slice(0, mostMembers).map(([mxid, { display_name }]) => [mxid, called(display_name, mxid)]),
				),
			);
		},
		forget: (room: string) => void rooms.delete(room),
		/** By MXID, with the name in that room, "" where we do not know it yet; empty where nobody read them. */
		of: (room: string): ReadonlyMap<string, string> => rooms.get(room) ?? new Map(),
		has: (room: string, mxid: string) => rooms.get(room)?.has(mxid) ?? false,
		/** One of us joined. Its event has its name, and may have been here first. */
		came(room: string, mxid: string): void {
			const there = rooms.get(room);
			if (!there?.has(mxid)) there?.set(mxid, "");
		},
		went: (room: string, mxid: string) => void rooms.get(room)?.delete(mxid),
		/** Takes note of a change of membership or name. */
		apply({ room_id, state_key: mxid = "", content }: MatrixEvent): void {
			const { membership, displayname } = content;
			const there = rooms.get(room_id);
			if (membership === "join") {
				if (there && (there.size < mostMembers || there.has(mxid)))
					there.set(mxid, called(displayname, mxid));
			} else rooms.get(room_id)?.delete(mxid);
		},
	};
}
