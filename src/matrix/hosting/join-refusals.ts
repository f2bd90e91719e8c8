import type { Entered } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import { MatrixError } from "../client.ts";
import * as phrases from "../phrases.ts";
import type { Rooms } from "../rooms.ts";

const refused = (why: Extract<Entered, { kind: "refused" }>["why"], text: string): Entered => ({
	kind: "refused",
	why,
	text,
});

/** Returns the function that tells why the homeserver refused a join. It throws an error that is no refusal. */
export function createJoinRefusals(deps: {
	rooms: Pick<Rooms, "membershipOf">;
	/** The account that reads a room for the bridge. */
	speaker(room: RoomId): Promise<string | undefined>;
}): (error: unknown, room: RoomId, ghost: string) => Promise<Entered> {
	const { rooms, speaker } = deps;

	async function isBanned(room: RoomId, ghost: string): Promise<boolean> {
		try {
			return (await rooms.membershipOf(room, ghost, await speaker(room))) === "ban";
		} catch (error) {
			// Nobody of ours is in the room to see it.
			if (error instanceof MatrixError) return false;
			throw error;
		}
	}

	return async (error, room, ghost) => {
		if (!(error instanceof MatrixError)) throw error;
		const { status, errcode, message } = error;
		if (status === 404 || errcode === "M_INCOMPATIBLE_ROOM_VERSION")
			return refused("unknown", phrases.roomGone);
		if (status !== 403) return refused("unknown", phrases.homeserverRefused(message));
		if (/\bbanned\b/i.test(message) || (await isBanned(room, ghost)))
			return refused("banned", phrases.bannedFromRoom);
		return refused("invited-only", phrases.roomNeedsInvitation);
	};
}
