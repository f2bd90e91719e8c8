import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { within } from "../deadline.ts";
import * as phrases from "../phrases.ts";
import { endBan, wasBanned } from "./bars.ts";
import type { Context } from "./context.ts";
import { enter, leave } from "./join.ts";
import { NoPlace } from "./join-refusals.ts";
import { bar, type OwnOccupant, unbar, unwant, want } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { joinWithin } from "./speaker.ts";

/**
 * Resolves if the MUC lets a person in again whom it banned. A MUC that hides JIDs tells only its moderators that a ban is
 * lifted, so an occupant of the person tries to join, and leaves at once. @throws PermanentError with the refusal
 */
export async function admit(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (!(await wasBanned(room, ours, context))) return;
	const { barred } = ours;
	unbar(ours);
	want(ours);
	try {
		await within(joinWithin, enter(room, ours, context));
	} catch (error) {
		// A MUC without a place for one more has not refused this person.
		if (!(error instanceof NoPlace)) {
			unwant(ours);
			if (error instanceof PermanentError) bar(ours, barred ?? error);
			// A person waits for the answer, so nothing is repeated.
			if (!(error instanceof TemporaryError)) throw error;
			throw new PermanentError("failed", phrases.mucNotAnswering(room.jid), { cause: error });
		}
	}
	endBan(room, ours, context);
	await leave(room, ours, context);
}
