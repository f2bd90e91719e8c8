import { type Client, hasCode } from "./client.ts";
import { asObject, type Content, type MatrixEvent, text } from "./event.ts";

/** The events of a room that decide who may do what there; see {@link levelFor}. */
export type Powers = Readonly<{
	create: Pick<MatrixEvent, "sender" | "content">;
	levels: Content | undefined;
}>;

/** Resolves with m.room.create, as the account `as` reads it; absent: the bot. @throws MatrixError, TemporaryError */
export async function readCreate(
	client: Pick<Client, "call">,
	room: string,
	as?: string,
): Promise<Powers["create"]> {
	const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/m.room.create/`;
	const query = { format: "event" };
	const one = await client.call<Content>("GET", path, { query, ...(as && { as }) });
	// COMPAT homeservers that give the content only. Until room version 11 it names the creator.
	const content = asObject(one.content ?? one);
	return { sender: text(one.sender) || text(content.creator), content };
}

/** Resolves with the power levels of a room; undefined if it has none. `as`: as above. @throws MatrixError, TemporaryError */
export async function readLevels(
	client: Pick<Client, "state">,
	room: string,
	as?: string,
): Promise<Content | undefined> {
	try {
		return asObject(await client.state<Content>(room, "m.room.power_levels", "", as));
	} catch (error) {
		if (hasCode(error, "M_NOT_FOUND")) return undefined;
		throw error;
	}
}

/** Reads the powers of a room as the bot, which is in it. @throws MatrixError, TemporaryError */
export async function readPowers(client: Pick<Client, "call" | "state">, room: string): Promise<Powers> {
	return { create: await readCreate(client, room), levels: await readLevels(client, room) };
}
