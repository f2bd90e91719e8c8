import type { RoomId } from "../core/ids.ts";
import type { Bridge } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { MatrixError } from "./client.ts";
import type { RoomCreation } from "./room-creation.ts";
import type { Rooms } from "./rooms.ts";

/**
 * Returns the function that sends to a chat of two, which outlives its members: the ghost invites a person who left again,
 * and a new room begins if the person has removed the ghost.
 */
export function createDirectSender(deps: {
	rooms: Rooms;
	creation: RoomCreation;
	bridge: Pick<Bridge, "openDirect">;
}) {
	const { rooms, creation, bridge } = deps;
	return async function sendTo<T>(
		[ours, theirs]: readonly [Person, Person],
		room: string,
		ghost: string,
		send: (room: string) => Promise<T>,
	): Promise<T> {
		try {
			await rooms.inviteAgain(room, ours.id, ghost);
			return await send(room);
		} catch (error) {
			if (!(error instanceof MatrixError && error.status === 403)) throw error;
			// A person who banned the ghost wants no other room with it either.
			if ((await rooms.membershipOf(room, ghost, ghost)) === "ban") throw error;
			const next = await creation.openDirect(ours, theirs);
			if (next === room) throw error;
			await bridge.openDirect(ours, theirs, next as RoomId);
			return send(next);
		}
	};
}
