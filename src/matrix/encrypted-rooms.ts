import { PermanentError } from "../core/errors.ts";
import type { Message } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Portal } from "../core/mapping.ts";
import type { Bridge, Network } from "../core/network.ts";
import { type Client, MatrixError } from "./client.ts";
import type { MatrixEvent } from "./event.ts";
import type { Members } from "./members.ts";
import { matrixNetwork } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import type { RoomCreation } from "./room-creation.ts";
import type { Rooms } from "./rooms.ts";

/** Resolves with true if encryption is on in a room, which `as` is in: a ghost, or the bot. */
export async function isEncrypted(
	client: Pick<Client, "state">,
	room: string,
	as?: string,
): Promise<boolean> {
	try {
		await client.state(room, "m.room.encryption", "", as);
		return true;
	} catch (error) {
		if (error instanceof MatrixError && error.status === 404) return false;
		throw error;
	}
}

/** Returns a message in the place of an event, which its sender gets a notice about. */
export const aMessageAt = (event: MatrixEvent, members: Pick<Members, "inRoom">): Message => ({
	id: event.event_id as MessageId,
	room: event.room_id as RoomId,
	at: event.origin_server_ts,
	sender: members.inRoom(event.room_id, event.sender),
	...{ kind: "message", style: "text", text: "" },
});

/**
 * Returns the handler of encrypted events, which the bridge cannot read: the sender gets a notice, and a direct chat moves
 * to an unencrypted room.
 */
export function createEncryptionGuard(deps: {
	members: Members;
	rooms: Rooms;
	creation: RoomCreation;
	bridge: Pick<Bridge, "openDirect">;
	refuse: Network["refuse"];
	log: Log;
}): (event: MatrixEvent, portal: Portal | undefined) => Promise<void> {
	const { members, rooms, creation, bridge, log } = deps;
	/** Rooms without a portal that got the notice already. */
	const notified = new Set<string>();

	const notify = (event: MatrixEvent, why: string) =>
		deps.refuse(aMessageAt(event, members), new PermanentError("invalid", why), phrases.unlinkedTarget);

	/**
	 * Moves a direct chat to a room that the bridge makes, in which only the bridge can turn encryption on: clients encrypt
	 * the chats they create. The ghost invites the person there and leaves the old room.
	 */
	async function moveOn(room: string, portal: Portal): Promise<void> {
		const ours = portal.between?.find((person) => person.network === matrixNetwork);
		const theirs = portal.between?.find((person) => person.network !== matrixNetwork);
		if (!ours || !theirs) return;
		const ghost = await rooms.speaker(room, portal);
		const next = await creation.openDirect(ours, theirs);
		if (next === room || !ghost) return;
		await bridge.openDirect(ours, theirs, next as RoomId);
		await rooms.leave(room, ghost, phrases.encryptedLeft);
		members.forget(room);
	}

	return async (event, portal) => {
		const { room_id: room } = event;
		if (!portal && notified.has(room)) return;
		if (!portal) notified.add(room);
		const failed = (error: unknown) =>
			log.error({ err: error, room }, "the notice about an encrypted room, or the move out of it, failed");
		await notify(event, portal?.between ? phrases.encryptedChat : phrases.encryptedRoom).catch(failed);
		if (portal?.between) await moveOn(room, portal).catch(failed);
	};
}
