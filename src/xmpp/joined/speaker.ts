import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { Late, within } from "../deadline.ts";
import { bare } from "../jid.ts";
import * as phrases from "../phrases.ts";
import type { Context } from "./context.ts";
import { askAgainForMember, enter, relayFor } from "./join.ts";
import { NoPlace, NotMember } from "./join-refusals.ts";
import { ensureJoinedNow } from "./listener.ts";
import { isConfirmed, isIn, type OwnOccupant, relayUntil, unbar, want } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { selfPing } from "./self-ping.ts";

/** Time, in ms, after which a MUC that refused us is asked again, when somebody wants it. */
const askAgainAfter = 60_000;
/** Time, in ms, that an own occupant has to join before its line goes through the listener. */
export const joinWithin = 20_000;

/**
 * Returns the occupant that a person's line goes out under: their own one, or the listener where theirs cannot join.
 * @throws TemporaryError while the MUC is out of reach, PermanentError where it does not let them in.
 */
export async function chooseSpeaker(room: Room, ours: OwnOccupant, context: Context): Promise<OwnOccupant> {
	await room.sendQueue.checking;
	await requireListener(room, context);
	// The MUC may have put this occupant out together with the listener, without our being told.
	if (!isConfirmed(ours)) await selfPing(room, ours, context);
	if (isIn(ours)) return ours;
	if (ours.barred) throw ours.barred;
	if (ours.relayedUntil > context.now().at) return relay(room, ours, context);
	want(ours);
	try {
		await within(joinWithin, enter(room, ours, context));
		return ours;
	} catch (error) {
		if (error instanceof NotMember) return relay(room, ours, context);
		if (!(error instanceof NoPlace) && !(error instanceof Late)) throw error;
		relayUntil(ours, context.now().at + relayFor);
		context.log.warn(
			{ room: room.jid, ours: ours.jid },
			"an own occupant could not join; the listener relays its lines",
		);
		return relay(room, ours, context);
	}
}

/** Returns the listener. Another person's ghost, which may be the active listener, must not say what they did not. */
async function relay(room: Room, ours: OwnOccupant, context: Context): Promise<OwnOccupant> {
	// A ghost that is a member listens in its place. The listener may have been made a member since.
	if (room.features.membersOnly && room.listener.relayedUntil <= context.now().at)
		await within(joinWithin, enter(room, room.listener, context)).catch(() => undefined);
	if (isIn(room.listener)) return room.listener;
	if (room.features.membersOnly)
		throw new NotMember(
			"forbidden",
			phrases.mucNotMember(room.jid, bare(room.listeners.stated.jid), bare(ours.jid)),
		);
	throw new PermanentError("busy", phrases.mucFull(room.jid));
}

/** Returns whether a MUC that refused us may be asked once more. */
export function mayAskAgain({ listening: { barred, triedAt } }: Room, context: Context): boolean {
	const pause = barred instanceof NotMember ? askAgainForMember : askAgainAfter;
	return context.now().at - triedAt >= pause;
}

/**
 * Resolves once the active listener is in the MUC. With `again`, a MUC that put us out or refused us is asked once more,
 * a minute after the last attempt at the earliest. @throws TemporaryError, or the PermanentError of the refusal.
 */
export async function requireListener(room: Room, context: Context, again = false): Promise<void> {
	if (isIn(room.listening.active)) return;
	const { barred } = room.listening;
	if (barred && !((again || barred instanceof NotMember) && mayAskAgain(room, context))) throw barred;
	if (barred) unbar(room.listener);
	await within(joinWithin, ensureJoinedNow(room, context));
	if (!isIn(room.listening.active)) throw new TemporaryError(phrases.mucNotAnswering(room.jid));
}
