import { nameOf } from "../core/names.ts";
import type { Person } from "../core/person.ts";
import { type Client, MatrixError } from "./client.ts";
import { type Content, text } from "./event.ts";
import type { Members } from "./members.ts";
import { aliasAddress, matrixTo } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import type { RoomAliases } from "./room-aliases.ts";

/** The most people that name a room which has no name. */
const most = 3;

/** Returns the function that tells how people know a room: by its name and alias, else by its people. */
export function createRoomLabels(deps: {
	client: Pick<Client, "state">;
	members: Pick<Members, "known" | "read">;
	aliases: RoomAliases;
	domain: string;
	people(room: string): readonly Person[];
}): (room: string, as: string | undefined) => Promise<string> {
	const { client, members, aliases, domain, people } = deps;

	/** Resolves with a field of a state event; "" if the room has none. */
	async function field(room: string, type: string, name: string, as: string | undefined): Promise<string> {
		try {
			return text((await client.state<Content>(room, type, "", as))[name]);
		} catch (error) {
			if (error instanceof MatrixError && error.status === 404) return "";
			throw error;
		}
	}

	return async (room, as) => {
		await aliases.load(room);
		const saved = aliases.show(room);
		const alias = saved === room ? await field(room, "m.room.canonical_alias", "alias", as) : saved;
		const name = nameOf(await field(room, "m.room.name", "name", as));
		// The alias of a room of ours spells the address of the room beyond it, which stands beside it anyway.
		if (name) return alias && !aliasAddress(alias, domain) ? phrases.named(name, alias) : name;
		if (alias) return alias;
		if (!members.known(room)) await members.read(room, as);
		const names = people(room).map((person) => person.name ?? person.id);
		return names.length > 0
			? phrases.roomOfPeople(names.slice(0, most), names.length)
			: matrixTo(room, domain);
	};
}
