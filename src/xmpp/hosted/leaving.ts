import { statusCodes } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import type { Element } from "../stream/xml.ts";
import { endRole } from "./administration/role-ends.ts";
import { announce, shownNow } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { removeOccupant } from "./occupants.ts";
import { type Happening, presence, shownSession, statusOf } from "./presences.ts";
import { metIn } from "./private-chats.ts";
import { placeOf } from "./returns.ts";
import type { HostedRoom, Joined, Occupant } from "./room.ts";
import { storedForm } from "./sessions.ts";

/** The ends of sessions and of occupants. */

/** Takes the unavailable presence of a session (XEP-0045 §7.14). */
export function takeLeave(one: Joined, stanza: Element, context: HostedContext): void {
	endSession(one, context, { id: stanza.attrs.id, reason: statusOf(stanza) });
}

/** Ends a session that was lost (XEP-0045 §16.3), and tells its client, which may come back by itself. */
export function loseSession(one: Joined, reason: string, context: HostedContext): void {
	endSession(one, context, { codes: [statusCodes.technicalRemoval], reason });
}

/** Ends a session that the link could not serve. Its client comes back by itself, so its person leaves later. */
export function dropSession(one: Joined, context: HostedContext): void {
	const what = { codes: [statusCodes.technicalRemoval], reason: phrases.hostedLost };
	endSession(one, context, what, true);
}

/** Ends a session. The last one of a person ends the person's presence in the room. */
function endSession(one: Joined, context: HostedContext, what: Happening, comesBack = false): void {
	const { room, occupant, session } = one;
	const before = shownSession([...occupant.sessions.values()]);
	const self = { ...shownNow(room, occupant, context), jid: session.jid };
	context.rooms.removeSession(one);
	const codes = [...(what.codes ?? []), statusCodes.selfPresence];
	if (occupant.sessions.size === 0 && !comesBack) endRole(room, occupant.person, context);
	context.out.farewell(session, presence(session.address, self, { ...what, gone: true, codes }));
	if (comesBack) {
		const stored = storedForm(room, occupant.nick, session);
		void context.store.told(stored);
		context.returns.expect(placeOf(room), occupant.person, session);
		if (before === session) announce(room, occupant, context);
	} else if (occupant.sessions.size === 0 && room.facts.entry === "everybody") {
		removeOccupant(room, occupant);
		announce(room, occupant, context, { ...what, gone: true, id: undefined, as: self });
		context.left(room.id, metIn(room, occupant));
		letGo(one, context);
	} else {
		void context.store.remove(session);
		// An invitation can be taken once only: a leave of the source would forfeit it, so the person is shown as away.
		if (before === session) announce(room, occupant, context);
	}
	context.returns.rest(room);
	if (!comesBack && room.sessions.size === 0) context.emptied(room, occupant.person);
}

/** Has the ghost of a person leave whose last session has ended. A kill of the bridge meanwhile does not keep it in. */
function letGo({ room, occupant: { person, nick }, session }: Joined, context: HostedContext): void {
	void context.store.told(storedForm(room, nick, session));
	context.returns.leave(room, person, session);
}

/** Takes a session out of the memory and the store. */
function forget(one: Joined, context: HostedContext): void {
	// The end of a session that still waits for its history may be among the stanzas that wait with it.
	context.out.release(one.session);
	context.rooms.removeSession(one);
	void context.store.remove(one.session);
}

/** Removes an occupant, with all of their sessions, whom the source room has no more. */
export function dismiss(room: HostedRoom, occupant: Occupant, what: Happening, context: HostedContext): void {
	announce(room, occupant, context, { ...what, gone: true });
	endRole(room, occupant.person, context);
	const wasHere = occupant.sessions.size > 0;
	for (const session of [...occupant.sessions.values()]) forget({ room, occupant, session }, context);
	removeOccupant(room, occupant);
	context.left(room.id, metIn(room, occupant));
	context.returns.rest(room);
	if (wasHere && room.sessions.size === 0) context.emptied(room, occupant.person);
}

/** Ends all sessions of a room that cannot be shown any more (XEP-0045 §10.9). */
export function closeRoom(
	room: HostedRoom,
	destroy: NonNullable<Happening["destroy"]>,
	context: HostedContext,
): void {
	for (const occupant of [...room.people.values()]) {
		if (occupant.sessions.size === 0) continue;
		const as = shownNow(room, occupant, context);
		const codes = [statusCodes.selfPresence];
		// Each session learns from one presence, its own, that the room is no more.
		context.out.send(occupant.sessions.values(), (address) =>
			presence(address, as, { gone: true, codes, destroy }),
		);
		const joined = [...occupant.sessions.values()].map((session) => ({ room, occupant, session }));
		for (const one of joined) forget(one, context);
		const [one] = joined;
		if (one && room.facts.entry === "everybody") letGo(one, context);
	}
	context.rooms.remove(room);
}
