import type { RoomInfo } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { type Client, hasCode } from "./client.ts";
import type { Ghosts } from "./ghosts.ts";
import { directAlias, parts, portalAlias } from "./mxid.ts";
import type { Rooms } from "./rooms.ts";

export type RoomCreation = ReturnType<typeof createRoomCreation>;

/** The power levels of rooms of ours: members may do much, but only we turn encryption on, which we could not read. */
const powers = (usersDefault: number) => ({
	users_default: usersDefault,
	events: {
		"m.room.encryption": 100,
		"m.room.power_levels": 100,
		"m.room.server_acl": 100,
		"m.room.tombstone": 100,
		"m.room.history_visibility": 100,
	},
});

const localpartOf = (alias: string) => parts(`@${alias.slice(1)}`)?.[0];

/** Creates Matrix rooms, each under an alias computed from its purpose, so that a repeated call finds the same room. */
export function createRoomCreation(deps: {
	client: Client;
	ghosts: Ghosts;
	rooms: Pick<Rooms, "invite">;
	domain: string;
}) {
	const { client, ghosts, rooms, domain } = deps;

	async function createOnce(alias: string, body: object, as?: string): Promise<string> {
		try {
			return (await client.createRoom({ room_alias_name: localpartOf(alias), ...body }, as)).room_id;
		} catch (error) {
			if (!hasCode(error, "M_ROOM_IN_USE")) throw error;
			return (await client.alias(alias)).room_id;
		}
	}

	return {
		/** The room of something found at `address` on the network `of`. */
		create: (of: string, address: readonly string[], info: RoomInfo): Promise<string> =>
			createOnce(portalAlias(of, address, domain), {
				// Everybody who knows the alias may join, as they may join the room on the other network.
				preset: "public_chat",
				visibility: "private",
				name: info.name ?? address.join(" "),
				...(info.topic && { topic: info.topic }),
				power_level_content_override: powers(0),
			}),

		/** The 1:1 room of a person with the ghost of another. */
		async openDirect(ours: Person, theirs: Person): Promise<string> {
			const ghost = await ghosts.ensure(theirs);
			const alias = directAlias(theirs.network, [ours.id, theirs.id], domain);
			const body = {
				// Not trusted_private_chat: people there could turn encryption on. They may do all the rest.
				preset: "private_chat",
				is_direct: true,
				invite: [ours.id],
				// The alias only makes sure that the room is created once; as the room's name it would be ugly.
				initial_state: [{ type: "m.room.canonical_alias", state_key: "", content: {} }],
				power_level_content_override: powers(50),
			};
			const room = await createOnce(alias, body, ghost);
			try {
				await rooms.invite(room, ours.id, ghost);
				return room;
			} catch (error) {
				if (!hasCode(error, "M_FORBIDDEN")) throw error;
				// The ghost was removed from that room: a new one takes its alias.
				await client.removeAlias(alias);
				return createOnce(alias, body, ghost);
			}
		},
	};
}
