import type { NetworkName, UserId } from "../core/ids.ts";
import { nameOf } from "../core/names.ts";
import type { Person } from "../core/person.ts";
import type { Client } from "./client.ts";
import { type MatrixEvent, text } from "./event.ts";
import { parts, personAddress } from "./mxid.ts";

export const name = "matrix" as NetworkName;
export const title = "Matrix";
/** Members of one room that are kept in memory. Ghosts come on top: the bridge itself decides how many there are. */
const mostMembers = 100_000;

export type Members = ReturnType<typeof createMembers>;

/** Keeps the members of the portals' rooms, ghosts included, with their names: read once, then updated from transactions. */
export function createMembers(client: Pick<Client, "joinedMembers">, domain: string) {
	const rooms = new Map<string, Map<string, string>>();
	const localpart = (mxid: string) => parts(mxid)?.[0] ?? mxid;

	/** Returns the name of a member as one short line; `name` is the display name that their homeserver gives. */
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
		/** Returns the person of an MXID; without a display name the localpart is their name. */
		person,
		known: (room: string) => rooms.has(room),
		/** Reads the members of a room from the homeserver as `as`, a ghost in it; undefined is the bot. */
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
		/** Returns the members by MXID with their name in that room, "" while it is unknown; empty for a room that was not read. */
		of: (room: string): ReadonlyMap<string, string> => rooms.get(room) ?? new Map(),
		has: (room: string, mxid: string) => rooms.get(room)?.has(mxid) ?? false,
		/** Notes that a ghost or the bot joined. The member event brings the name, possibly before this call. */
		came(room: string, mxid: string): void {
			const there = rooms.get(room);
			if (!there?.has(mxid)) there?.set(mxid, "");
		},
		went: (room: string, mxid: string) => void rooms.get(room)?.delete(mxid),
		/** Applies a member event. */
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
