import { type Client, MatrixError } from "./client.ts";
import type { Content, MatrixEvent } from "./event.ts";

/** The events of a room that decide who may do what there; see {@link levelFor}. */
export type Powers = Readonly<{
	create: Pick<MatrixEvent, "sender" | "content">;
	levels: Content | undefined;
}>;

/** Reads the powers of a room as the bot, which is in it. @throws MatrixError, TemporaryError */
export async function readPowers(client: Pick<Client, "call" | "state">, room: string): Promise<Powers> {
	const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/m.room.create/`;
	const create = await client.call<Powers["create"]>("GET", path, { query: { format: "event" } });
	const levels = await client.state<Content>(room, "m.room.power_levels", "").catch((error: unknown) => {
		if (error instanceof MatrixError && error.status === 404) return undefined;
		throw error;
	});
	return { create, levels };
}
