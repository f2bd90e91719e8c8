import { PermanentError } from "../../core/errors.ts";
import { leave as leavePresence, type OccupantPresence, removalOf } from "../muc/presence.ts";
import { statusCodes } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { xml } from "../stream/xml.ts";
import { barForGood, noteBan } from "./bars.ts";
import { announce, type Context } from "./context.ts";
import { tellOfEnd } from "./destroyed.ts";
import { failOver } from "./failover.ts";
import { leave, relayFor } from "./join.ts";
import { Banned } from "./join-refusals.ts";
import { barListening, beginHistory, listenThrough, noteWasIn } from "./listening.ts";
import { notice } from "./notice.ts";
import { removalOfPerson } from "./occupant-events.ts";
import {
	arrive,
	bar,
	changeNick,
	finishGoodbye,
	isIn,
	type OwnOccupant,
	relayUntil,
	releaseNick,
	throwOut,
	unwant,
} from "./own-occupants.ts";
import { type Room, setFeatures } from "./room.ts";
import { actorOf, completeJoinRoster, isUs } from "./roster.ts";
import { selfPing } from "./self-ping.ts";

/** Takes a presence about an occupant of ours. Returns `back` where the occupant has to join again: a technical loss. */
export function handleSelfPresence(
	room: Room,
	ours: OwnOccupant,
	seen: OccupantPresence,
	context: Context,
): "back" | undefined {
	if (seen.available) {
		arrived(room, ours, seen, context);
		return undefined;
	}
	releaseNick(room.ours, seen.nick);
	if (finishGoodbye(room.ours, ours))
		return ours !== room.listening.active || failOver(room, context) ? undefined : "back";
	if (seen.codes.has(statusCodes.nickChanged) && seen.newNick) {
		changeNick(room.ours, ours, seen.newNick);
		return undefined;
	}
	throwOut(ours);
	if (!ours.wanted) return undefined;
	if (isNoMember(room, ours, seen)) return lockedOut(room, ours, seen, context);
	if (seen.destroyed)
		return removed(
			room,
			ours,
			phrases.mucComeBack(tellOfEnd(room, seen.destroyed.alternate, context)),
			context,
		);
	const by = removal(room, ours, seen);
	if (by) {
		if (!ours.person && seen.codes.has(statusCodes.banned)) return bannedFromMuc(room, ours, context);
		tellOfRemoval(room, ours, seen, by.why, context);
		return removed(room, ours, by.refusal, context);
	}
	return ours === room.listening.active && failOver(room, context) ? undefined : "back";
}

function arrived(room: Room, ours: OwnOccupant, seen: OccupantPresence, context: Context): void {
	// The occupant said goodbye while the answer was on its way, or an earlier run left the session behind.
	if (!ours.wanted) {
		void context.link.send(leavePresence(ours.jid, room.jid, seen.nick)).catch(() => undefined);
		return;
	}
	const entered = arrive(room.ours, ours, seen.nick, room.features.occupantIds ? seen.occupantId : undefined);
	announce(room, isUs(room, seen.nick, context.now()), context);
	if (ours === room.listener && isIn(room.listening.active)) listenThrough(room.listening, ours);
	if (ours === room.listening.active && entered) beginHistory(room.listening);
	// XEP-0045 §7.2.2: our own presence ends the list of who is there.
	if (ours === room.listening.active && completeJoinRoster(room.roster)) noteWasIn(room.listening);
	// XEP-0045 §10.1.2: a new MUC is locked until its owner accepts the settings.
	if (seen.codes.has(statusCodes.created)) unlock(room, ours, context);
	ours.answer?.(seen);
}

function unlock(room: Room, ours: OwnOccupant, context: Context): void {
	const form = xml("x", { xmlns: "jabber:x:data", type: "submit" });
	const query = xml("query", { xmlns: "http://jabber.org/protocol/muc#owner" }, form);
	context.link
		.iq(xml("iq", { type: "set", from: ours.jid, to: room.jid }, query))
		.catch((error: unknown) => context.log.warn({ err: error, room: room.jid }, "could not unlock the room"));
}

/**
 * Returns whether the MUC became one for members only (322), or took the membership of a listener (321): our people's lines
 * then go through a listener that is a member. A ghost whose membership somebody took stays out.
 */
const isNoMember = ({ listener }: Room, ours: OwnOccupant, { codes }: OccupantPresence): boolean =>
	codes.has(statusCodes.membersOnlyNow) || (codes.has(statusCodes.affiliationLost) && ours === listener);

/** Takes the loss of an occupant that is no member. Returns `back` where a listener has to join that is one. */
function lockedOut(
	room: Room,
	ours: OwnOccupant,
	{ codes }: OccupantPresence,
	context: Context,
): "back" | undefined {
	setFeatures(room, { ...room.features, membersOnly: true });
	relayUntil(ours, context.now().at + relayFor);
	if (ours !== room.listening.active) return undefined;
	// After a 322 the MUC is about to put out those that could take over.
	return !codes.has(statusCodes.membersOnlyNow) && failOver(room, context) ? undefined : "back";
}

/** Returns the notice and the refusal about our occupant that somebody removed; undefined after a technical loss (332, 333, or no reason). */
function removal(
	room: Room,
	ours: OwnOccupant,
	seen: OccupantPresence,
): Readonly<{ why: string; refusal: string }> | undefined {
	const removed = removalOf(seen);
	if (!removed) return undefined;
	const { how, reason } = removed;
	const name = ours.person ? ours.name : phrases.theBridge;
	const why = phrases.mucRemoved(name, room.jid, how, seen.actor, reason);
	return { why, refusal: how === "removed" ? phrases.mucComeBackAsMember(why) : phrases.mucComeBack(why) };
}

/** Ends the link to a MUC whose owners banned the listener: that is how they send the bridge away. */
function bannedFromMuc(room: Room, ours: OwnOccupant, context: Context): undefined {
	const why = new Banned("forbidden", phrases.mucBanned(room.jid));
	bar(ours, why);
	barListening(room.listening, why, context.now().at);
	context.ended(room, phrases.mucBannedBridge(room.jid));
	return undefined;
}

/**
 * Tells the portal that somebody removed our occupant. A person is removed from the other rooms as well, which tells them
 * there; of the listener they read in words.
 */
function tellOfRemoval(
	room: Room,
	ours: OwnOccupant,
	seen: OccupantPresence,
	why: string,
	context: Context,
): void {
	const now = context.now();
	const how = removalOf(seen);
	const { person } = ours;
	if (!person || !how) {
		context.tell([notice(room, why, now)]);
		return;
	}
	const act = removalOfPerson(room, actorOf(room, seen.actor), person, how, now);
	if (how.how === "banned") noteBan(room, ours, context);
	if (how.how !== "banned") context.tell([act]);
	// The ban may be one of our whole domain, which the listener hears of with the others: then nobody is banned in person.
	else
		void context.guard.run("ban of an own occupant", async () => {
			await selfPing(room, room.listener, context);
			if (!(room.listening.barred instanceof Banned)) context.tell([act]);
		});
}

/**
 * Keeps out an occupant that somebody removed: a line of its person is refused with the reason. Returns `back` where the
 * active listener is lost and another one has to join.
 */
function removed(room: Room, ours: OwnOccupant, refusal: string, context: Context): "back" | undefined {
	context.log.warn({ room: room.jid, ours: ours.jid }, "somebody removed an own occupant from the MUC");
	const now = context.now();
	if (ours !== room.listener) unwant(ours);
	barForGood(room, ours, new PermanentError("forbidden", refusal), context);
	if (ours !== room.listening.active || failOver(room, context)) return undefined;
	if (!room.listener.barred) return "back";
	barListening(room.listening, room.listener.barred, now.at);
	// Without a listener the portal gets no lines, so no occupant of ours stays to be talked to.
	for (const one of room.ours.byJid.values())
		if (one !== ours && one !== room.listener)
			leave(room, one, context).catch((error: unknown) =>
				context.log.warn({ err: error }, "an own occupant could not leave the MUC"),
			);
	return undefined;
}
