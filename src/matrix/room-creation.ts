import type { RoomInfo } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { type Client, hasCode } from "./client.ts";
import type { Ghosts } from "./ghosts.ts";
import { directAlias, parts, portalAlias } from "./mxid.ts";
import * as phrases from "./phrases.ts";
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
		// A state event of each person: without this nobody could share a live location.
		"m.beacon_info": 0,
		"org.matrix.msc3672.beacon_info": 0,
	},
});

const localpartOf = (alias: string) => parts(`@${alias.slice(1)}`)?.[0];

/** Creates Matrix rooms, each under an alias computed from its purpose, so that a repeated call finds the same room. */
export function createRoomCreation(deps: {
	client: Client;
	ghosts: Ghosts;
	rooms: Pick<Rooms, "invite" | "membershipOf">;
	domain: string;
}) {
	const { client, ghosts, rooms, domain } = deps;

	/** Resolves with the room of that alias; `made`: this call has created it. */
	async function createOnce(
		alias: string,
		body: object,
		as?: string,
	): Promise<{ room: string; made: boolean }> {
		try {
			const { room_id: room } = await client.createRoom({ room_alias_name: localpartOf(alias), ...body }, as);
			return { room, made: true };
		} catch (error) {
			if (!hasCode(error, "M_ROOM_IN_USE")) throw error;
			return { room: (await client.alias(alias)).room_id, made: false };
		}
	}

	return {
		/** The room of something found at `address` on the network `of`. */
		async create(of: string, address: readonly string[], info: RoomInfo): Promise<string> {
			const { room } = await createOnce(portalAlias(of, address, domain), {
				// Without invitations everybody who knows the alias may join, as they may join the room on the other network.
				preset: info.invites ? "private_chat" : "public_chat",
				visibility: "private",
				...(info.invites && { invite: info.invites }),
				name: info.name ?? address.join(" "),
				...(info.topic && { topic: info.topic }),
				power_level_content_override: powers(info.invites ? 50 : 0),
			});
			return room;
		},

		/** The 1:1 room of a person with the ghost of another. */
		async openDirect(ours: Person, theirs: Person): Promise<string> {
			const ghost = await ghosts.ensure(theirs);
			const alias = directAlias(theirs.network, [ours.id, theirs.id], domain);
			const body = {
				// Not trusted_private_chat: people there could turn encryption on. They may do all the rest.
				preset: "private_chat",
				is_direct: true,
				invite: [ours.id],
				// Without a name, clients show that of the person: a private chat tells besides where it belongs.
				...(theirs.within !== undefined && {
					name: phrases.privateChat(theirs.name ?? "", theirs.within),
					topic: phrases.privateChatTopic(theirs.name ?? "", theirs.within),
				}),
				// The alias only makes sure that the room is created once; as the room's name it would be ugly.
				initial_state: [{ type: "m.room.canonical_alias", state_key: "", content: {} }],
				power_level_content_override: powers(50),
			};
			const { room, made } = await createOnce(alias, body, ghost);
			// The creation has invited the person.
			if (made) return room;
			try {
				if ((await rooms.membershipOf(room, ghost, ghost)) === "join") {
					await rooms.invite(room, ours.id, { chat: true, as: ghost });
					return room;
				}
			} catch (error) {
				if (!hasCode(error, "M_FORBIDDEN")) throw error;
			}
			// The ghost was removed from that room, or may not invite there: a new one takes its alias.
			await client.removeAlias(alias);
			return (await createOnce(alias, body, ghost)).room;
		},
	};
}
