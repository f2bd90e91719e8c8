import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { TemporaryError } from "../core/errors.ts";
import type { Guard } from "../core/guard.ts";
import type { RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Bridge } from "../core/network.ts";
import { type Client, hasCode, MatrixError } from "./client.ts";
import { asObject, type Content, isId, type MatrixEvent, text } from "./event.ts";
import { matrixNetwork } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import type { Rooms } from "./rooms.ts";
import { answer } from "./to-matrix.ts";

const prefix = "upgrade of ";
const entry = "upgrade of a room";
/** The room that replaces another one, and the server whose member said so. */
type Replacement = Readonly<{ next: RoomId; via: string }>;

const roomIn = (value: unknown): RoomId | undefined =>
	isId(text(value)) && text(value).startsWith("!") ? (text(value) as RoomId) : undefined;

export type Upgrades = ReturnType<typeof createUpgrades>;

/**
 * Follows the rooms of portals that people replace. The homeserver tells of a replacement once, so it stays on disk until the
 * portal has moved. // Matrix spec, "Room upgrades"
 */
export function createUpgrades(deps: {
	client: Pick<Client, "join" | "send" | "state">;
	rooms: Pick<Rooms, "withBot" | "botCame">;
	bridge: Pick<Bridge, "portal" | "moved" | "cursors" | "saveCursor">;
	bot: string;
	guard: Guard;
	log: Log;
}) {
	const { client, rooms, bridge, bot, guard, log } = deps;
	const forget = (old: RoomId) => bridge.saveCursor({ key: prefix + old, value: undefined });

	/** Moves the portal of a room, if the new room names that one as its predecessor: anybody can name a room of others. */
	async function move(old: RoomId, next: RoomId): Promise<void> {
		const { predecessor } = await client.state<Content>(next, "m.room.create", "");
		if (text(asObject(predecessor).room_id) === old) await bridge.moved(matrixNetwork, old, next);
		else log.warn({ room: old, next }, "a room names a replacement that names another predecessor");
		await forget(old);
	}

	/** Resolves with false if the bot may not enter the new room yet. */
	async function follow(old: RoomId, { next, via }: Replacement): Promise<boolean> {
		try {
			if (!rooms.withBot.has(next)) await client.join(next, undefined, [via]);
			rooms.botCame(next);
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
			log.info({ err: error, room: old, next }, "the bot cannot enter the replacement of a room yet");
			return false;
		}
		await move(old, next);
		return true;
	}

	/** Follows a room, as soon as the homeserver answers. Resolves as {@link follow}. */
	async function followInTime(old: RoomId, replacement: Replacement): Promise<boolean> {
		for (let failures = 0; ; failures++)
			try {
				return await follow(old, replacement);
			} catch (error) {
				if (!(error instanceof TemporaryError)) throw error;
				await wait(backoff(failures, { first: 1_000, most: 60_000 }), undefined, { ref: false });
			}
	}

	async function askForInvite(old: RoomId): Promise<void> {
		const body = answer(phrases.inviteToUpgrade(bot), undefined);
		// Not everybody may write in a room that was replaced.
		await client
			.send(old, "m.room.message", `upgrade.${randomUUID()}`, { body })
			.catch((refused: unknown) => log.debug({ err: refused, room: old }, "a room cannot be told"));
	}

	return {
		/** Goes on with the replacements of earlier runs, whose rooms may let the bot in by now. */
		async start(): Promise<void> {
			for (const { key, value } of await bridge.cursors(prefix)) {
				const old = key.slice(prefix.length) as RoomId;
				if (!(await bridge.portal(matrixNetwork, old))) await forget(old);
				else void guard.run(entry, () => followInTime(old, JSON.parse(value) as Replacement));
			}
		},

		/** Takes the event that names the replacement of a room that the bot serves. Resolves when that is on disk. */
		async replaced({ room_id, sender, content }: MatrixEvent): Promise<void> {
			const old = room_id as RoomId;
			const next = roomIn(content.replacement_room);
			if (!next) return;
			const replacement = { next, via: sender.slice(sender.indexOf(":") + 1) };
			await bridge.saveCursor({ key: prefix + old, value: JSON.stringify(replacement) });
			void guard.run(entry, async () => {
				if (!(await followInTime(old, replacement))) await askForInvite(old);
			});
		},

		/** Follows the predecessor of a room to which the bot was invited, if that is in a portal and names this one. */
		async arrived(room: RoomId): Promise<void> {
			const { predecessor } = await client.state<Content>(room, "m.room.create", "");
			const old = roomIn(asObject(predecessor).room_id);
			if (!old || !(await bridge.portal(matrixNetwork, old))) return;
			try {
				const { replacement_room: next } = await client.state<Content>(old, "m.room.tombstone", "");
				if (next !== room) return;
				await bridge.moved(matrixNetwork, old, room);
				await forget(old);
			} catch (error) {
				// The old room has no replacement, or the bot is in it no more.
				if (!hasCode(error, "M_NOT_FOUND") && !hasCode(error, "M_FORBIDDEN")) throw error;
			}
		},
	};
}
