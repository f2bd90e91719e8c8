import type { Person } from "../core/event.ts";
import type { NetworkName, UserId } from "../core/ids.ts";
import { nameOf } from "../core/names.ts";
import type { Client } from "./client.ts";
import type { MatrixEvent } from "./event.ts";
import { parts, personAddress } from "./mxid.ts";

export const name = "matrix" as NetworkName;
export const title = "Matrix";
export type Members = ReturnType<typeof createMembers>;

/** Who is in the rooms we serve, ghosts too, and what they are called: read once, then kept by the events we are sent. */
export function createMembers(client: Pick<Client, "joinedMembers">, domain: string) {
	const rooms = new Map<string, Map<string, string>>();
	const localpart = (mxid: string) => parts(mxid)?.[0] ?? mxid;

	function person(mxid: string, called?: string): Person {
		const server = parts(mxid)?.[1] ?? "";
		return {
			network: name,
			id: mxid as UserId,
			address: personAddress(mxid, domain) ?? [mxid],
			name: nameOf(called ?? "") || localpart(mxid),
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
				new Map(list.map(([mxid, { display_name }]) => [mxid, display_name || localpart(mxid)])),
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
			if (membership === "join")
				rooms.get(room_id)?.set(mxid, (typeof displayname === "string" && displayname) || localpart(mxid));
			else rooms.get(room_id)?.delete(mxid);
		},
	};
}
