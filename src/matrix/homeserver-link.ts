import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import { type Log, retryLevel } from "../core/log.ts";
import { createTrouble } from "../core/trouble.ts";
import { type Client, MatrixError } from "./client.ts";
import * as phrases from "./phrases.ts";
import type { Rooms } from "./rooms.ts";

export const botName = "Trivium";

/** Keeps the status of the homeserver, waits for it at the start, and turns its refusals into errors that people read. */
export function createHomeserverLink(deps: {
	client: Client;
	rooms: Rooms;
	/** MXID and localpart of the bot. */
	bot: string;
	localpart: string;
	log: Log;
}) {
	const { client, rooms, bot, localpart, log } = deps;
	const trouble = createTrouble("not asked yet");

	return {
		status: trouble.status,
		away: trouble.begin,
		back: trouble.end,

		/** Waits for the homeserver, however long, and prepares the bot's account. @throws MatrixError for a definite refusal */
		async meet(): Promise<void> {
			for (let failures = 0; ; failures++) {
				try {
					await client.register(localpart);
					const { displayname } = await client.profile(bot);
					if (!displayname || displayname === localpart) await client.setName(bot, botName);
					for (const room of (await client.joinedRooms()).joined_rooms) rooms.botCame(room);
					trouble.end();
					return;
				} catch (error) {
					if (!(error instanceof TemporaryError)) throw error;
					trouble.begin(error.message);
					const retryMs = backoff(failures, { first: 1_000, most: 30_000 });
					const attempt = failures + 1;
					log[retryLevel(attempt)]({ err: error, attempt, retryMs }, "waiting for the homeserver");
					await wait(retryMs);
				}
			}
		},

		/**
		 * Runs `work`. A refusal by the homeserver becomes a PermanentError, whose text a person reads; at a temporary error
		 * `troubled` is called.
		 */
		async ask<T>(work: () => Promise<T>, troubled: () => void): Promise<T> {
			try {
				return await work();
			} catch (error) {
				if (error instanceof TemporaryError) troubled();
				if (!(error instanceof MatrixError)) throw error;
				const reason = error.status === 403 ? "forbidden" : error.status === 404 ? "not-found" : "failed";
				// Synapse writes the numbers of the levels into this refusal, and people know neither.
				const isPower = reason === "forbidden" && /user_level \(-?\d+\) < send_level/.test(error.message);
				const words = isPower ? phrases.noPower : phrases.homeserverRefused(error.message);
				throw new PermanentError(reason, words, { cause: error });
			}
		},
	};
}
