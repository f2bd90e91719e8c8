import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { within } from "../deadline.ts";
import { bare } from "../jid.ts";
import * as phrases from "../phrases.ts";
import { endBan, wasBanned } from "./bars.ts";
import type { Context } from "./context.ts";
import { enter, leave } from "./join.ts";
import { NoPlace, NotMember } from "./join-refusals.ts";
import { bar, isIn, type OwnOccupant, unbar, unwant, want } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { joinWithin } from "./speaker.ts";

/**
 * Resolves if the MUC lets a person in: again if it banned them, and as a member if it is for members only, unless they are the
 * first in the portal's other room (`isFirst`). A MUC that hides JIDs tells only its moderators who is a member or banned, so an
 * occupant of the person tries to join, and leaves at once. @throws PermanentError with the refusal
 */
export async function admit(
	room: Room,
	ours: OwnOccupant,
	context: Context,
	{ isFirst }: Readonly<{ isFirst: boolean }>,
): Promise<void> {
	const banned = await wasBanned(room, ours, context);
	if (!banned && (isFirst || !room.features.membersOnly || isIn(ours))) return;
	const { barred } = ours;
	unbar(ours);
	want(ours);
	try {
		await within(joinWithin, enter(room, ours, context));
	} catch (error) {
		// A MUC without a place for one more has not refused this person.
		if (!(error instanceof NoPlace)) {
			unwant(ours);
			if (banned && error instanceof PermanentError) bar(ours, barred ?? error);
			if (error instanceof NotMember)
				throw new NotMember("forbidden", phrases.mucMembersInside(room.jid, bare(ours.jid)), {
					cause: error,
				});
			// A person waits for the answer, so nothing is repeated.
			if (!(error instanceof TemporaryError)) throw error;
			throw new PermanentError("failed", phrases.mucNotAnswering(room.jid), { cause: error });
		}
	}
	if (banned) endBan(room, ours, context);
	await leave(room, ours, context);
}
