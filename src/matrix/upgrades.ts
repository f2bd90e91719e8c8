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

/** Attempts to follow a room while the homeserver is away. */
const tries = 20;

const roomIn = (value: unknown): RoomId | undefined =>
	isId(text(value)) && text(value).startsWith("!") ? (text(value) as RoomId) : undefined;

export type Upgrades = ReturnType<typeof createUpgrades>;

/** Follows the rooms of portals that people replace. // Matrix spec, "Room upgrades" */
export function createUpgrades(deps: {
	client: Pick<Client, "join" | "send" | "state">;
	rooms: Pick<Rooms, "withBot" | "botCame">;
	bridge: Pick<Bridge, "portal" | "moved">;
	bot: string;
	guard: Guard;
	log: Log;
}) {
	const { client, rooms, bridge, bot, guard, log } = deps;

	/** Moves the portal of a room, if the new room names that one as its predecessor: anybody can name a room of others. */
	async function move(old: RoomId, next: RoomId): Promise<void> {
		const { predecessor } = await client.state<Content>(next, "m.room.create", "");
		if (text(asObject(predecessor).room_id) === old) await bridge.moved(matrixNetwork, old, next);
		else log.warn({ room: old, next }, "a room names a replacement that names another predecessor");
	}

	async function follow(old: RoomId, next: RoomId, via: string): Promise<void> {
		try {
			if (!rooms.withBot.has(next)) await client.join(next, undefined, [via]);
			rooms.botCame(next);
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
			log.info({ err: error, room: old, next }, "the bot cannot enter the replacement of a room yet");
			const body = answer(phrases.inviteToUpgrade(bot), undefined);
			// Not everybody may write in a room that was replaced.
			await client
				.send(old, "m.room.message", `upgrade.${randomUUID()}`, { body })
				.catch((refused: unknown) => log.debug({ err: refused, room: old }, "a room cannot be told"));
			return;
		}
		await move(old, next);
	}

	return {
		/** Takes the event that names the replacement of a room that the bot serves. */
		replaced({ room_id: old, sender, content }: MatrixEvent): void {
			const next = roomIn(content.replacement_room);
			if (!next) return;
			void guard.run("upgrade of a room", async () => {
				for (let failures = 0; failures < tries; failures++)
					try {
						return await follow(old as RoomId, next, sender.slice(sender.indexOf(":") + 1));
					} catch (error) {
						if (!(error instanceof TemporaryError)) throw error;
						await wait(backoff(failures, { first: 1_000, most: 60_000 }), undefined, { ref: false });
					}
			});
		},

		/** Follows the predecessor of a room to which the bot was invited, if that is in a portal and names this one. */
		async arrived(room: RoomId): Promise<void> {
			const { predecessor } = await client.state<Content>(room, "m.room.create", "");
			const old = roomIn(asObject(predecessor).room_id);
			if (!old || !(await bridge.portal(matrixNetwork, old))) return;
			try {
				const { replacement_room: next } = await client.state<Content>(old, "m.room.tombstone", "");
				if (next === room) await bridge.moved(matrixNetwork, old, room);
			} catch (error) {
				// The old room has no replacement, or the bot is in it no more.
				if (!hasCode(error, "M_NOT_FOUND") && !hasCode(error, "M_FORBIDDEN")) throw error;
			}
		},
	};
}
