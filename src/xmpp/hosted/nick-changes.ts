import { skeleton } from "../../core/confusable.ts";
import type { Person } from "../../core/person.ts";
import { statusCodes } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import type { Element } from "../stream/xml.ts";
import { announce, shownNow } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { holderOf, isReserved, nickFault, renameOccupant } from "./occupants.ts";
import { payloadsOf } from "./presences.ts";
import { longNick, nickTaken, noNick, type Refusal, refuse, unfitNick } from "./refusals.ts";
import type { HostedRoom, Joined, Occupant } from "./room.ts";
import { storedForm } from "./sessions.ts";

const bot = skeleton(phrases.title);

/** Returns the refusal of a nick that no client can have; undefined for a good one. */
export function nickRefusal(nick: string | undefined): Refusal | undefined {
	const fault = nickFault(nick ?? "");
	switch (fault) {
		case undefined:
			// The people of the source obey what the bot tells them.
			return skeleton(nick ?? "") === bot ? nickTaken : undefined;
		case "none":
			return noNick;
		case "too long":
			return longNick;
		case "unfit":
			return unfitNick;
		default:
			return fault satisfies never;
	}
}

/**
 * Returns the reason why a nick cannot belong to a person of XMPP; undefined if it can. Somebody in the room may bear the
 * nick all the same.
 */
export const refusalToReserve = (
	room: Pick<HostedRoom, "record">,
	nick: string,
	person: Person,
): Refusal | undefined => nickRefusal(nick) ?? (isReserved(room, nick, person) ? nickTaken : undefined);

/** Returns the reason why a person of XMPP cannot bear this nick in a room; undefined if they can. */
export const refusalFor = (room: HostedRoom, nick: string, person: Person): Refusal | undefined =>
	refusalToReserve(room, nick, person) ?? (holderOf(room, nick, person) ? nickTaken : undefined);

/**
 * Takes the presence by which a session asks for another nick (XEP-0045 §7.6).
 * Returns the refusal, after which it keeps its own.
 */
export function takeNickChange(
	{ room, occupant, session }: Joined,
	nick: string,
	stanza: Element,
	context: HostedContext,
): Element | undefined {
	const refusal = refusalFor(room, nick, occupant.person);
	if (refusal) return refuse(stanza, refusal);
	session.presence = payloadsOf(stanza);
	giveNick(room, occupant, nick, context);
	return undefined;
}

/** Gives a person of XMPP the free nick that they asked for, which is also the name of their ghost in the room. */
export function giveNick(room: HostedRoom, occupant: Occupant, nick: string, context: HostedContext): void {
	changeNick(room, occupant, nick, context);
	context.memberships.rename(room.source, occupant.person);
	for (const one of occupant.sessions.values()) void context.store.save(storedForm(room, nick, one));
}

/** Gives an occupant a free nick and tells all sessions: the old nick goes, the new one comes (XEP-0045 §7.6). */
export function changeNick(
	room: HostedRoom,
	occupant: Occupant,
	nick: string,
	context: HostedContext,
	name: string | undefined = nick,
): void {
	if (nick !== occupant.nick)
		announce(room, occupant, context, { gone: true, newNick: nick, codes: [statusCodes.nickChanged] });
	renameOccupant(room, occupant, nick, name);
	announce(room, occupant, context, { as: shownNow(room, occupant, context) });
}
