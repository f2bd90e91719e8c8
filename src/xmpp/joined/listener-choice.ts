import { PermanentError } from "../../core/errors.ts";
import type { Context } from "./context.ts";
import { enter } from "./join.ts";
import { NoPlace } from "./join-refusals.ts";
import { listenThrough } from "./listening.ts";
import { isIn, type OwnOccupant, putOut } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { beginJoinRoster, dropJoinRoster } from "./roster.ts";

/** Own occupants that one attempt tries one after the other, the listener first. */
const candidatesTried = 4;

/**
 * Has the listener join as the active listener, or a ghost where the MUC has no place for the listener or refuses it.
 * @throws the listener's refusal where the MUC lets none of them in, TemporaryError where it is out of reach.
 */
export async function chooseListener(room: Room, context: Context): Promise<void> {
	const { listener } = room;
	const ghosts = [...room.ours.byJid.values()].filter((ours) => ours !== listener && ours.wanted);
	let refused: unknown = listener.barred;
	for (const ours of [listener, ...ghosts].filter((one) => !one.barred).slice(0, candidatesTried)) {
		await resetStay(room, ours);
		listenThrough(room.listening, ours);
		beginJoinRoster(room.roster);
		try {
			return await enter(room, ours, context);
		} catch (error) {
			const refuses =
				error instanceof NoPlace || (error instanceof PermanentError && error.reason === "forbidden");
			if (!refuses) throw error;
			refused ??= error;
		} finally {
			dropJoinRoster(room.roster);
		}
	}
	listenThrough(room.listening, listener);
	throw refused;
}

/** Has an occupant join again that joined while another one listened: it was told neither the roster nor the history. */
async function resetStay(room: Room, ours: OwnOccupant): Promise<void> {
	await ours.entering?.catch(() => undefined);
	if (isIn(ours)) putOut(room.ours, ours);
}
