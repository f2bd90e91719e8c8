import { textBytes } from "../core/bounded-map.ts";
import type { UserId } from "../core/ids.ts";
import { nameOf } from "../core/names.ts";
import type { Person } from "../core/person.ts";
import type { Client } from "./client.ts";
import { isId, type MatrixEvent, text } from "./event.ts";
import { avatarAt, mxcParts } from "./message/attachments.ts";
import { matrixNetwork, parts, personAddress } from "./mxid.ts";

/**
 * Bytes of the members of one room, and of all rooms, that are kept: those of
 * 50,000 people with usual names, and three times that.
 */
const defaults = { room: 16 * 1_048_576, all: 48 * 1_048_576 };
/** Bytes of a map's entry beside its strings. */
const perMember = 60;

export type Members = ReturnType<typeof createMembers>;

/**
 * Keeps the members of the portals' rooms, ghosts included, with their names: read once, then updated from transactions.
 * Members past `most` bytes are not kept: their localpart is their name.
 */
export function createMembers(
	client: Pick<Client, "joinedMembers">,
	domain: string,
	most: typeof defaults = defaults,
) {
	type Kept = { names: Map<string, string>; pictures: Map<string, string>; bytes: number };
	const rooms = new Map<string, Kept>();
	let bytes = 0;
	const localpart = (mxid: string) => parts(mxid)?.[0] ?? mxid;

	/** Returns the name of a member as one short line; `name` is the display name that their homeserver gives. */
	const called = (name: unknown, mxid: string) => nameOf(text(name)) || localpart(mxid);

	/** `picture`: the mxc URI of the picture; "" is none, and undefined says that nobody knows. */
	function person(mxid: string, displayName?: string, picture?: string): Person {
		const server = parts(mxid)?.[1] ?? "";
		return {
			network: matrixNetwork,
			id: mxid as UserId,
			address: personAddress(mxid, domain) ?? [mxid],
			name: nameOf(displayName ?? "") || localpart(mxid),
			...(picture !== undefined && { avatar: avatarAt(picture) }),
			handles: [mxid],
			domain: server,
			...(server === domain && { local: true as const }),
		};
	}

	function remove(room: Kept, mxid: string): void {
		const known = room.names.get(mxid);
		if (known === undefined) return;
		const size = weigh(mxid, known, room.pictures.get(mxid));
		room.names.delete(mxid);
		room.pictures.delete(mxid);
		room.bytes -= size;
		bytes -= size;
	}

	function put(room: Kept, mxid: string, called: string, url: unknown): void {
		remove(room, mxid);
		const picture = mxcParts(text(url)) && isId(text(url)) ? text(url) : undefined;
		const size = weigh(mxid, called, picture);
		if (room.bytes + size > most.room || bytes + size > most.all) return;
		room.names.set(mxid, called);
		if (picture !== undefined) room.pictures.set(mxid, picture);
		room.bytes += size;
		bytes += size;
	}

	function forget(room: string): void {
		bytes -= rooms.get(room)?.bytes ?? 0;
		rooms.delete(room);
	}

	return {
		/** Returns the person of an MXID; without a display name the localpart is their name. */
		person,
		/** Returns the person of a member, with their name and picture in that room as far as the room was read. */
		inRoom(room: string, mxid: string): Person {
			const there = rooms.get(room);
			const called = there?.names.get(mxid);
			return person(mxid, called, called === undefined ? undefined : (there?.pictures.get(mxid) ?? ""));
		},
		known: (room: string) => rooms.has(room),
		/** Reads the members of a room from the homeserver as `as`, a ghost in it; undefined is the bot. */
		async read(room: string, as?: string): Promise<void> {
			const { joined } = await client.joinedMembers(room, as);
			forget(room);
			const there: Kept = { names: new Map(), pictures: new Map(), bytes: 0 };
			for (const [mxid, { display_name, avatar_url }] of Object.entries(joined))
				put(there, mxid, called(display_name, mxid), avatar_url);
			rooms.set(room, there);
		},
		forget,
		/** Estimates the bytes that the members of all rooms take. */
		bytes: (): number => bytes,
		/** Returns the members by MXID with their name in that room, "" while it is unknown; empty for a room that was not read. */
		of: (room: string): ReadonlyMap<string, string> => rooms.get(room)?.names ?? new Map(),
		/** Returns the names in a room of those members that `which` chooses. */
		named: (room: string, which: (mxid: string) => boolean): string[] =>
			[...(rooms.get(room)?.names ?? [])].flatMap(([mxid, called]) => (which(mxid) ? [called] : [])),
		has: (room: string, mxid: string) => rooms.get(room)?.names.has(mxid) ?? false,
		/** Notes that a ghost or the bot joined. The member event brings the name, possibly before this call. */
		came(room: string, mxid: string): void {
			const there = rooms.get(room);
			if (there && !there.names.has(mxid)) put(there, mxid, "", undefined);
		},
		went(room: string, mxid: string): void {
			const there = rooms.get(room);
			if (there) remove(there, mxid);
		},
		/** Applies a member event. */
		apply({ room_id, state_key: mxid = "", content }: MatrixEvent): void {
			const { membership, displayname, avatar_url } = content;
			const there = rooms.get(room_id);
			if (!there) return;
			if (membership === "join") put(there, mxid, called(displayname, mxid), avatar_url);
			else remove(there, mxid);
		},
	};
}

const weigh = (mxid: string, called: string, picture: string | undefined): number =>
	textBytes(mxid, called) + perMember + (picture === undefined ? 0 : textBytes(picture) + perMember);
