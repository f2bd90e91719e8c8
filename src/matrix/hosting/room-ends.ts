import { backoff } from "../../core/backoff.ts";
import { TemporaryError } from "../../core/errors.ts";
import type { Guard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import type { Mapping } from "../../core/mapping.ts";
import { type Client, unlessRefused } from "../client.ts";
import type { Members } from "../members.ts";
import type { OwnAliases } from "../own-aliases.ts";
import type { Rooms } from "../rooms.ts";

const setting = "matrix rooms to end";

export type RoomEnds = ReturnType<typeof createRoomEnds>;

/** Ends rooms that the bot has made: their addresses at once, their members in the background, also over a kill of the bridge. */
export function createRoomEnds(deps: {
	client: Client;
	mapping: Pick<Mapping, "setting" | "saveSetting">;
	aliases: Pick<OwnAliases, "remove">;
	rooms: Pick<Rooms, "botWent">;
	members: Pick<Members, "forget">;
	bot: string;
	guard: Guard;
	log: Log;
}) {
	const { client, mapping, rooms, bot, log } = deps;
	/** The reasons for the ends, by room. */
	const ending = new Map<string, string>();
	let stopped = false;

	const save = () => mapping.saveSetting(setting, JSON.stringify([...ending]));
	const path = (room: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/${rest}`;

	async function closeEntry(room: string): Promise<void> {
		const { aliases } = await client.call<{ aliases: string[] }>("GET", path(room, "aliases"));
		for (const alias of aliases) await deps.aliases.remove(alias);
		const list = `/_matrix/client/v3/directory/list/room/${encodeURIComponent(room)}`;
		await unlessRefused(client.call("PUT", list, { body: { visibility: "private" } }));
		await unlessRefused(client.setState(room, "m.room.join_rules", "", { join_rule: "invite" }));
	}

	async function empty(room: string, reason: string): Promise<void> {
		const query = { not_membership: "leave" };
		const { chunk } = await client.call<{ chunk: unknown[] }>("GET", path(room, "members"), { query });
		for (const one of chunk as Readonly<{ state_key: string; content: { membership?: string } }>[]) {
			const { state_key: mxid, content } = one;
			if (mxid === bot || content.membership === "ban") continue;
			await unlessRefused(client.moderate(room, "kick", mxid, { reason }));
		}
		await unlessRefused(client.leave(room, undefined, reason));
	}

	async function finish(room: string, reason: string): Promise<void> {
		for (let failures = 0; !stopped; failures++) {
			try {
				// The last run may have done a part of this, and the bot may be out already.
				await unlessRefused(closeEntry(room));
				await unlessRefused(empty(room, reason));
				rooms.botWent(room);
				deps.members.forget(room);
				ending.delete(room);
				await save();
				return;
			} catch (error) {
				if (!(error instanceof TemporaryError)) throw error;
				log.debug({ err: error, room }, "the end of a room waits for a retry");
				await new Promise((resolve) =>
					setTimeout(resolve, backoff(failures, { first: 1_000, most: 60_000 })).unref(),
				);
			}
		}
	}

	const run = (room: string, reason: string) =>
		void deps.guard.run("end of a room", () => finish(room, reason));

	return {
		/** Resolves when the addresses of a room are free; the rest follows. @throws MatrixError, TemporaryError */
		async begin(room: string, reason: string): Promise<void> {
			ending.set(room, reason);
			await save();
			try {
				await closeEntry(room);
			} catch (error) {
				// The owner reads that the room goes on, and may ask again.
				ending.delete(room);
				await save();
				throw error;
			}
			run(room, reason);
		},
		/** Goes on with the ends that the last run did not finish. */
		async resume(): Promise<void> {
			const saved: unknown = JSON.parse((await mapping.setting(setting)) ?? "[]");
			for (const [room, reason] of saved as [string, string][]) {
				ending.set(room, reason);
				run(room, reason);
			}
		},
		stop(): void {
			stopped = true;
		},
	};
}
