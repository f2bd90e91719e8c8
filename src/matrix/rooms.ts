import { createHash } from "node:crypto";
import type { Mapping, Portal } from "../core/mapping.ts";
import type { RoomInfo } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { type Client, MatrixError } from "./client.ts";
import type { Ghosts } from "./ghosts.ts";
import { type Members, name } from "./members.ts";
import { directAlias, parts, portalAlias } from "./mxid.ts";

export type Rooms = ReturnType<typeof createRooms>;

/** What everybody may do in rooms of ours, and that nobody but us turns encryption on, which we could not read. */
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
const is = (error: unknown, errcode: string) => error instanceof MatrixError && error.errcode === errcode;

/** Makes rooms, says what they are bridged to, and lets people and ghosts in and out. */
export function createRooms(deps: {
	client: Client;
	mapping: Mapping;
	members: Members;
	ghosts: Ghosts;
	domain: string;
	bot: string;
	isOurs(mxid: string): boolean;
}) {
	const { client, mapping, members, ghosts, domain, bot, isOurs } = deps;
	/** The rooms the bot is in. */
	const withBot = new Set<string>();
	/** Whom we asked back into a direct chat, so that not every message asks again. */
	const asked = new Set<string>();

	/** Made once: a second call finds the room by its alias. */
	async function make(alias: string, body: object, as?: string): Promise<string> {
		try {
			return (await client.createRoom({ room_alias_name: localpartOf(alias), ...body }, as)).room_id;
		} catch (error) {
			if (!is(error, "M_ROOM_IN_USE")) throw error;
			return (await client.alias(alias)).room_id;
		}
	}

	async function invite(room: string, mxid: string, as?: string): Promise<void> {
		try {
			await client.invite(room, mxid, as);
		} catch (error) {
			if (!is(error, "M_FORBIDDEN")) throw error;
			const membership = await membershipOf(room, mxid, as);
			if (membership !== "join" && membership !== "invite") throw error;
		}
	}

	const membershipOf = async (room: string, mxid: string, as?: string) =>
		(await client.state<{ membership?: string }>(room, "m.room.member", mxid, as)).membership;

	async function join(room: string, ghost: string): Promise<void> {
		try {
			await client.join(room, ghost);
		} catch (error) {
			if (!is(error, "M_FORBIDDEN") || ghost === bot) throw error;
			await client.invite(room, ghost);
			await client.join(room, ghost);
		}
		members.came(room, ghost);
	}

	/** Who of us speaks in a room for the bridge itself: the bot, in a chat of two the ghost; undefined is the bot. */
	async function speaker(room: string, portal: Portal | undefined): Promise<string | undefined> {
		if (withBot.has(room)) return undefined;
		const other = portal?.between?.find((person) => person.network !== name);
		const ghost = other && (await ghosts.known(other));
		return ghost ?? [...members.of(room).keys()].find(isOurs);
	}

	return {
		withBot,
		membershipOf,
		invite,
		join,
		speaker,

		/** Does `work` as a ghost in a room, joining where that is missing. A retry joins and sends the very same. */
		async inside<T>(room: string, ghost: string, work: () => Promise<T>): Promise<T> {
			if (members.known(room) && !members.has(room, ghost)) await join(room, ghost);
			try {
				return await work();
			} catch (error) {
				if (!is(error, "M_FORBIDDEN")) throw error;
				await join(room, ghost);
				return work();
			}
		},

		async leave(room: string, ghost: string, reason?: string): Promise<void> {
			await client.leave(room, ghost, reason);
			members.went(room, ghost);
		},

		/** The room of something found at `address` on another network. */
		create: (of: string, address: readonly string[], info: RoomInfo): Promise<string> =>
			make(portalAlias(of, address, domain), {
				// Whoever knows the alias may come in, as there.
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
				// The alias only makes sure that the room is made once; as the room's name it would be ugly.
				initial_state: [{ type: "m.room.canonical_alias", state_key: "", content: {} }],
				power_level_content_override: powers(50),
			};
			const room = await make(alias, body, ghost);
			try {
				await invite(room, ours.id, ghost);
				return room;
			} catch (error) {
				if (!is(error, "M_FORBIDDEN")) throw error;
				// The ghost was put out of that room: that one is over, and a new one takes its name.
				await client.removeAlias(alias);
				return make(alias, body, ghost);
			}
		},

		/** Asks a person who left a direct chat back in, once, since somebody writes to them. */
		async askBack(room: string, person: string, ghost: string): Promise<void> {
			if (!members.known(room) || members.has(room, person) || asked.has(`${room} ${person}`)) return;
			asked.add(`${room} ${person}`);
			await invite(room, person, ghost);
		},
		cameBack: (room: string, person: string) => void asked.delete(`${room} ${person}`),

		/** Says in the room what it is bridged to, once for each change. // MSC2346 */
		async describe(room: string, portal: Portal, as: string | undefined): Promise<void> {
			for (const link of portal.links) {
				if (link.network === name || !link.room) continue;
				const other = portal.between?.find((person) => person.network === link.network);
				const channel = other ? { id: other.id, displayname: other.name ?? other.id } : { id: link.room };
				const content = {
					bridgebot: bot,
					protocol: { id: link.network, displayname: link.network.toUpperCase() },
					channel,
					...(other && { "com.beeper.room_type.v2": "dm" }),
				};
				const key = `trivium://${link.network}/${encodeURIComponent(channel.id)}`.slice(0, 255);
				const hash = createHash("sha256").update(JSON.stringify(content)).digest("base64url");
				const setting = `matrix bridge info ${room} ${link.network}`;
				if ((await mapping.setting(setting)) === hash) continue;
				for (const type of ["m.bridge", "uk.half-shot.bridge"])
					await client.setState(room, type, key, content, as);
				await mapping.saveSetting(setting, hash);
			}
		},

		/** Our people leave; what we named is unnamed. */
		async abandon(room: string, made: boolean): Promise<void> {
			const here = withBot.has(room);
			if (!members.known(room) && here) await members.read(room).catch(() => undefined);
			if (made) await takeNamesBack(room, here);
			for (const mxid of members.of(room).keys())
				if (isOurs(mxid) && mxid !== bot) await client.leave(room, mxid).catch(ignoreNo);
			if (made && here) {
				await client.leave(room).catch(ignoreNo);
				withBot.delete(room);
			}
			members.forget(room);
		},
	};

	async function takeNamesBack(room: string, here: boolean): Promise<void> {
		if (!here) return;
		const { aliases } = await client.call<{ aliases: string[] }>(
			"GET",
			`/_matrix/client/v3/rooms/${encodeURIComponent(room)}/aliases`,
		);
		for (const alias of aliases)
			if (isOurs(`@${alias.slice(1)}`)) await client.removeAlias(alias).catch(ignoreNo);
		await client.setState(room, "m.room.canonical_alias", "", {}).catch(ignoreNo);
	}
}

/** A ghost that is out already cannot leave again; that is what was wanted. */
function ignoreNo(error: unknown): void {
	if (!(error instanceof MatrixError)) throw error;
}
