import { PermanentError } from "../../core/errors.ts";
import type { LevelChange, RoomSettings } from "../../core/hosting.ts";
import { type Client, hasCode, MatrixError, unlessRefused } from "../client.ts";
import { asObject, type Content, text } from "../event.ts";
import { newRoomAlias } from "../mxid.ts";
import type { OwnAliases } from "../own-aliases.ts";
import * as phrases from "../phrases.ts";
import { seedMark } from "./facts.ts";
import { levelsAfter, newLevels, statesOf } from "./settings.ts";

/**
 * Makes Matrix rooms for people of other networks, each once: it has an alias of our namespace until it has its own one,
 * by which the bridge finds a room whose making a kill has interrupted.
 */
export function createNewRooms(deps: {
	client: Client;
	aliases: Pick<OwnAliases, "set">;
	/** Resolves with the seed of a room that the bot has made; undefined for any other, and where the bot is not. */
	seedOf(room: string): Promise<string | undefined>;
	bot: string;
	domain: string;
}) {
	const { client, aliases, seedOf, bot, domain } = deps;

	/** The room version that the homeserver makes. From 12 on, creators need no level, and may have none. */
	async function newVersion(): Promise<string | undefined> {
		const { capabilities } = await client.call<Content>("GET", "/_matrix/client/v3/capabilities");
		return text(asObject(asObject(capabilities)["m.room_versions"]).default) || undefined;
	}

	/** Resolves with the room of an alias; undefined if there is none. */
	async function roomOf(alias: string): Promise<string | undefined> {
		try {
			return (await client.alias(alias)).room_id;
		} catch (error) {
			if (hasCode(error, "M_NOT_FOUND")) return undefined;
			throw error;
		}
	}

	/** Leaves a room that never got its own alias, so that nobody has found it. */
	async function abandon(room: string, first: string): Promise<void> {
		const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/aliases`;
		const { aliases: all } = await client.call<{ aliases: string[] }>("GET", path);
		// An earlier try may have removed the alias.
		await unlessRefused(client.removeAlias(first));
		if (all.every((alias) => alias === first)) await unlessRefused(client.leave(room));
	}

	async function create(first: string, body: object, seed: string): Promise<string> {
		const localpart = first.slice(1, first.indexOf(":"));
		const ask = () => client.createRoom({ room_alias_name: localpart, ...body });
		try {
			return (await ask()).room_id;
		} catch (error) {
			if (!hasCode(error, "M_ROOM_IN_USE")) throw error;
		}
		// An earlier try did not come to its end: this one's, or one that a kill of the bridge has broken off.
		const room = await roomOf(first);
		if (room !== undefined && (await seedOf(room)) === seed) return room;
		if (room !== undefined) await abandon(room, first);
		return (await ask()).room_id;
	}

	/** Gives a room its own alias. @throws PermanentError if another room has it */
	async function name(room: string, alias: string, first: string): Promise<void> {
		try {
			await aliases.set(alias, room);
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
			const holder = await roomOf(alias);
			if (holder !== room) {
				await abandon(room, first);
				throw new PermanentError(
					"failed",
					holder ? phrases.aliasTaken(alias) : phrases.aliasRefused(error.message),
				);
			}
		}
		await introduce(room, alias, first);
	}

	/** Makes the own alias of a room its main one, and takes the first one away. */
	async function introduce(room: string, alias: string, first: string): Promise<void> {
		await client.setState(room, "m.room.canonical_alias", "", { alias });
		await unlessRefused(client.removeAlias(first));
	}

	/**
	 * Resolves with the id of the new room at an alias. `owner`: the first one; `mxids` returns that of any person.
	 * @throws PermanentError, MatrixError, TemporaryError
	 */
	return async function make(
		localpart: string,
		owner: Readonly<{ network: string; mxid: string }>,
		settings: RoomSettings,
		seed: string,
		mxids: (whom: LevelChange["whom"]) => string,
	): Promise<string> {
		const alias = `#${localpart}:${domain}`;
		const known = await roomOf(alias);
		if (known !== undefined && (await seedOf(known)) !== seed)
			throw new PermanentError("failed", phrases.aliasTaken(alias));
		const first = newRoomAlias(owner.network, localpart, domain);
		if (known !== undefined) {
			// The try that gave it the alias may have failed after that.
			await introduce(known, alias, first);
			return known;
		}
		const version = await newVersion();
		const levels = newLevels(owner.mxid, Number(version) >= 12 ? undefined : bot);
		const { name: called, topic, entry = "everybody", pastPublic = false } = settings;
		const body = {
			...(version && { room_version: version }),
			preset: entry === "everybody" ? "public_chat" : "private_chat",
			visibility: "private",
			...(called && { name: called }),
			...(topic && { topic }),
			...(entry === "invited" && { invite: [owner.mxid] }),
			creation_content: seedMark(seed),
			power_level_content_override: levelsAfter(levels, settings, mxids),
			initial_state: [
				...statesOf({ pastPublic }),
				// The first alias only makes sure that the room is made once.
				{ type: "m.room.canonical_alias", content: {} },
				// Nobody comes in without an account, whatever the preset says.
				{ type: "m.room.guest_access", content: { guest_access: "forbidden" } },
			].map((one) => ({ ...one, state_key: "" })),
		};
		const room = await create(first, body, seed);
		await name(room, alias, first);
		return room;
	};
}
