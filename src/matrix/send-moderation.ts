import { PermanentError } from "../core/errors.ts";
import type { BridgeEvent, Moderation } from "../core/event.ts";
import type { Outbound } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { type Client, hasCode, MatrixError } from "./client.ts";
import { asObject, type Content } from "./event.ts";
import type { Ghosts } from "./ghosts.ts";
import { matrixNetwork } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import type { Rooms } from "./rooms.ts";
import { answer } from "./to-matrix.ts";

/** Resolves with the membership of an MXID, and the account that set it where the homeserver tells it. */
async function standing(
	client: Pick<Client, "call">,
	room: string,
	mxid: string,
): Promise<Readonly<{ is: unknown; by: unknown }>> {
	const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/m.room.member/${encodeURIComponent(mxid)}`;
	try {
		const event = await client.call<Content>("GET", path, { query: { format: "event" } });
		return { is: asObject(event.content).membership ?? event.membership, by: event.sender };
	} catch (error) {
		if (hasCode(error, "M_NOT_FOUND")) return { is: undefined, by: undefined };
		throw error;
	}
}

/** Lifts a ban that the bot has set. A ban by people of the room is theirs to lift. */
export async function liftOwnBan(
	client: Pick<Client, "call" | "moderate">,
	room: string,
	mxid: string,
	bot: string,
): Promise<void> {
	const { is, by } = await standing(client, room, mxid).catch((error: unknown) => {
		// The bot is not in the room: a chat of two.
		if (hasCode(error, "M_FORBIDDEN")) return { is: undefined, by: undefined };
		throw error;
	});
	if (is === "ban" && by === bot) await client.moderate(room, "unban", mxid, {});
}

/** Has the bot do to a member of a room what a moderator of another network did to them there. */
export function createModerationSender(deps: { client: Client; ghosts: Pick<Ghosts, "known">; bot: string }) {
	const { client, ghosts, bot } = deps;

	/** Carries an act out, unless the room is as the act wants it already: a retry does nothing twice. */
	async function carryOut(room: string, act: Moderation["act"], mxid: string, reason: string): Promise<void> {
		const { is, by } = await standing(client, room, mxid);
		switch (act) {
			case "kick":
				if (is === "join" || is === "invite") await client.moderate(room, "kick", mxid, { reason });
				return;
			case "ban":
				if (is !== "ban") await client.moderate(room, "ban", mxid, { reason });
				return;
			case "unban":
				// A ban by people of this room is theirs to lift.
				if (is === "ban" && by === bot) await client.moderate(room, "unban", mxid, { reason });
				return;
			case "mute":
			case "unmute":
				return;
			default:
				return act satisfies never;
		}
	}

	/**
	 * Carries out one act. Where the bot lacks the power, the room is told, and the moderator is refused. A ghost leaves by
	 * itself where the bot may not remove it: the leave of its person follows. @throws PermanentError
	 */
	return async function moderate({ room, operation }: Outbound, event: Moderation): Promise<void> {
		const { act, whom, sender, reason } = event;
		const isMember = whom.network === matrixNetwork;
		const mxid = isMember ? whom.id : await ghosts.known(whom);
		if (mxid === undefined) return;
		const by = calledName(sender);
		try {
			await carryOut(room, act, mxid, phrases.actBy(act, by, reason));
		} catch (error) {
			if (!hasCode(error, "M_FORBIDDEN")) throw error;
			const removes = act === "kick" || act === "ban";
			if (!isMember && removes) return;
			if (removes) {
				const told = phrases.actOnlyThere(act, calledName(whom), by, reason);
				await client.send(room, "m.room.message", `${operation}.told`, { body: answer(told, undefined) });
			}
			throw new PermanentError("forbidden", phrases.noPowerHere, { cause: error });
		}
	};
}

const calledName = ({ name, address }: Person): string => name ?? address.at(-1) ?? "?";

/** Returns the function that lets a ghost in again whose kick the other network refused: its person is still there. */
export const createReturnOfGhosts =
	({ ghosts, rooms }: Readonly<{ ghosts: Pick<Ghosts, "known">; rooms: Pick<Rooms, "join"> }>) =>
	async (event: BridgeEvent): Promise<void> => {
		if (event.kind !== "moderation" || event.act !== "kick") return;
		const ghost = await ghosts.known(event.whom);
		if (ghost === undefined) return;
		await rooms.join(event.room, ghost).catch((error: unknown) => {
			// Somebody has banned it meanwhile.
			if (!(error instanceof MatrixError)) throw error;
		});
	};
