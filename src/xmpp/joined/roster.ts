import type { BridgeEvent } from "../../core/event.ts";
import { isChanged, type Person } from "../../core/person.ts";
import { isByNick, occupant, occupantIdOf, roomItself } from "../from-xmpp.ts";
import { domain } from "../jid.ts";
import type { RoomFeatures } from "../muc/discovery.ts";
import { defined } from "../muc/fields.ts";
import { nameBeside, type OccupantPresence, removalOf } from "../muc/presence.ts";
import { statusCodes } from "../muc/status-codes.ts";
import {
	membership,
	type Now,
	personOf,
	profileChange,
	removalOfPerson,
	withFirstAddress,
} from "./occupant-events.ts";
import { isJoining, type OwnOccupants, reserveNick } from "./own-occupants.ts";

/** One other occupant; `session` names its stay, `since` is the roster's clock at its begin. */
export type Other = Readonly<{ person: Person; since: number; session: string }>;

type State = {
	/** All other occupants, by nick. */
	others: Map<string, Other>;
	/** The occupants that the MUC lists while the active listener joins (XEP-0045 §7.2.2). */
	joinRoster: Map<string, Other> | undefined;
	/** The portal was told who is here. Before that no coming or going is announced. */
	synced: boolean;
	/** Nicks that turned up while an occupant of ours was joining: the MUC may have given it one of them. */
	readonly unclaimedNicks: Map<string, OccupantPresence>;
	/** Counts presences, to tell nicks known before a join began from later ones. */
	clock: number;
};

/** The other occupants of one MUC, by the active listener's copy of their presence. This file alone changes it. */
export type Roster = Readonly<{
	others: ReadonlyMap<string, Other>;
	joinRoster: ReadonlyMap<string, Other> | undefined;
	synced: boolean;
	unclaimedNicks: ReadonlyMap<string, OccupantPresence>;
	clock: number;
}>;

/** The parts of a MUC that its roster is kept by. */
type RosterRoom = Readonly<{
	jid: string;
	features: RoomFeatures;
	linkedTo: readonly string[];
	ours: OwnOccupants;
	roster: Roster;
}>;

export const createRoster = (): Roster => ({
	others: new Map(),
	joinRoster: undefined,
	synced: false,
	unclaimedNicks: new Map(),
	clock: 0,
});

const stateOf = (roster: Roster) => roster as State;

/** Notes that the MUC tells the joining listener who is there. */
export function beginJoinRoster(roster: Roster): void {
	stateOf(roster).joinRoster = new Map();
}

/** Takes the list as the roster: the MUC has told it all. Returns false where no listener was joining. */
export function completeJoinRoster(roster: Roster): boolean {
	const state = stateOf(roster);
	if (!state.joinRoster) return false;
	state.others = state.joinRoster;
	state.joinRoster = undefined;
	return true;
}

/** Forgets the list of a join that failed. */
export function dropJoinRoster(roster: Roster): void {
	stateOf(roster).joinRoster = undefined;
}

/** Notes whether the portal is told of changes one by one; false until it was told all of the roster. */
export function setSynced(roster: Roster, synced: boolean): void {
	stateOf(roster).synced = synced;
}

/** Forgets all that was held for a join. The link broke. */
export function abandonJoins(roster: Roster): void {
	stateOf(roster).unclaimedNicks.clear();
	dropJoinRoster(roster);
}

/** Bytes that the others of one MUC may take in memory, and the least that one takes. */
const [crowdBytes, leastBytes] = [8 * 1_048_576, 1_000];

/**
 * Returns whether `list` has place for one more, as a MUC can claim any number of occupants. Those beyond are introduced
 * when they first speak. Long names leave place for fewer.
 */
const fits = (
	list: ReadonlyMap<string, unknown>,
	{ nick, occupantId = "", real = "", realName = "" }: OccupantPresence,
) =>
	list.has(nick) ||
	(list.size + 1) * (leastBytes + 16 * (nick.length + occupantId.length + real.length + realName.length)) <=
		crowdBytes;

/** Returns whether the occupant is one of ours, by the nick that we hold or the JID that the MUC shows. */
const isOurs = (room: RosterRoom, seen: OccupantPresence, component: string): boolean =>
	room.ours.byNick.has(seen.nick) || (seen.real !== undefined && domain(seen.real) === component);

/** Returns whether the occupant is another bridge's ghost of a person who is in a room of this portal already. */
const isDouble = ({ linkedTo }: RosterRoom, { comesFrom = [] }: OccupantPresence): boolean =>
	comesFrom.some((mark) => linkedTo.includes(mark));

const joining = (room: RosterRoom) => [...room.ours.byJid.values()].filter(isJoining);

/** Takes one presence, in the active listener's copy. Returns the events that the portal has to be told. */
export function handlePresence(
	room: RosterRoom,
	seen: OccupantPresence,
	component: string,
	now: Now,
): readonly BridgeEvent[] {
	stateOf(room.roster).clock++;
	if (seen.available)
		return isOurs(room, seen, component) || isDouble(room, seen) ? [] : came(room, seen, now);
	stateOf(room.roster).unclaimedNicks.delete(seen.nick);
	if (room.ours.byNick.has(seen.nick)) {
		// The occupant's own copy of its rename may come after the listener's. The new nick is its own from here on.
		const ours = room.ours.byNick.get(seen.nick);
		if (seen.codes.has(statusCodes.nickChanged) && seen.newNick && ours)
			reserveNick(room.ours, ours, seen.newNick);
		return [];
	}
	return left(room, seen, now);
}

function came(room: RosterRoom, seen: OccupantPresence, now: Now): readonly BridgeEvent[] {
	const who = personOf(room, seen);
	if (!fits(room.roster.joinRoster ?? room.roster.others, seen)) return [];
	if (room.roster.joinRoster) {
		stateOf(room.roster).joinRoster?.set(seen.nick, {
			person: withFirstAddress(room.roster.others.get(seen.nick)?.person, who),
			since: room.roster.clock,
			session: now.unique(),
		});
		return [];
	}
	const known = room.roster.others.get(seen.nick);
	// A nick that was not free in between has not changed hands, whatever the MUC shows now.
	const same = known && (isByNick(who, room.jid) || isByNick(known.person, room.jid));
	if (known && (same || known.person.id === who.id)) return looks(room, seen.nick, known, who, now);
	if (!known && joining(room).length > 0) {
		if (!fits(room.roster.unclaimedNicks, seen)) return [];
		stateOf(room.roster).unclaimedNicks.set(seen.nick, seen);
		return [];
	}
	stateOf(room.roster).others.set(seen.nick, {
		person: who,
		since: room.roster.clock,
		session: now.unique(),
	});
	return [
		...(known ? [membership(room, known.person, "leave", now)] : []),
		membership(room, who, "join", now),
	];
}

/** Takes the new picture, real name, rank and hats of an occupant, who stays the same person. */
function looks(
	room: RosterRoom,
	nick: string,
	known: Other,
	{ avatar, realName, rank, hats }: Pick<Person, "avatar" | "realName" | "rank" | "hats">,
	now: Now,
): readonly BridgeEvent[] {
	const { rank: _last, hats: _lastHats, ...unranked } = known.person;
	const person = {
		...unranked,
		...(realName && { realName }),
		...(avatar !== undefined && { avatar }),
		...(rank && { rank }),
		...(hats && { hats }),
	};
	if (!isChanged(known.person, person)) return [];
	stateOf(room.roster).others.set(nick, { ...known, person });
	return [profileChange(room, person, now)];
}

/** Takes the name in the vCard of an occupant. Returns the events for the portal. */
export function learnName(room: RosterRoom, nick: string, name: string, now: Now): readonly BridgeEvent[] {
	const known = room.roster.others.get(nick);
	const realName = nameBeside(nick, name);
	if (!known || realName === undefined) return [];
	const { rank, hats } = known.person;
	return looks(room, nick, known, { realName, ...(rank && { rank }), ...(hats && { hats }) }, now);
}

function left(room: RosterRoom, seen: OccupantPresence, now: Now): readonly BridgeEvent[] {
	const known = room.roster.others.get(seen.nick);
	if (!known) return [];
	stateOf(room.roster).others.delete(seen.nick);
	const renamed = seen.codes.has(statusCodes.nickChanged) ? seen.newNick : undefined;
	// COMPAT ejabberd leaves the occupant-id out of the presence that tells a new nick.
	const occupantId = seen.occupantId ?? occupantIdOf(known.person, room.jid);
	const { avatar, rank, hats } = known.person;
	// The picture is asked for under the new nick.
	const { photo = avatar === null ? "" : avatar?.hash } = seen;
	// The presence under the new nick tells the rank and the hats from then on.
	const later = defined({ ...seen, occupantId, photo, rank, hats, nick: renamed ?? seen.nick });
	const who = withFirstAddress(known.person, personOf(room, later));
	// XEP-0045 §7.6. If the nick alone tells people apart, a rename is one leaving and another joining.
	if (renamed && who.id === known.person.id && fits(room.roster.others, { ...seen, nick: renamed })) {
		stateOf(room.roster).others.set(renamed, { ...known, person: who, since: room.roster.clock });
		return [profileChange(room, who, now)];
	}
	// The same person may still be there under another nick, from another client.
	if ([...room.roster.others.values()].some((other) => other.person.id === known.person.id)) return [];
	const { actor } = seen;
	const removal = removalOf(seen);
	const reason = removal?.reason ?? seen.reason;
	// An act of one of ours here repeats the act of a person in another room.
	const isNews = actor === undefined || !room.ours.byNick.has(actor);
	return [
		...(removal && isNews ? [removalOfPerson(room, actorOf(room, actor), known.person, removal, now)] : []),
		{
			...membership(room, known.person, "leave", now),
			...(actor && { by: actor }),
			...(reason && { reason }),
		},
	];
}

/**
 * Takes unclaimed nicks as those of others once no join of ours is open, or `nick` alone once it spoke. Returns the
 * events for the portal.
 */
export function release(
	room: RosterRoom,
	component: string,
	now: Now,
	nick?: string,
): readonly BridgeEvent[] {
	if (nick === undefined && joining(room).length > 0) return [];
	const events: BridgeEvent[] = [];
	for (const [name, seen] of room.roster.unclaimedNicks) {
		if (nick !== undefined && name !== nick) continue;
		stateOf(room.roster).unclaimedNicks.delete(name);
		if (isOurs(room, seen, component) || room.roster.others.has(name) || !fits(room.roster.others, seen))
			continue;
		const who = personOf(room, seen);
		stateOf(room.roster).others.set(name, { person: who, since: room.roster.clock, session: now.unique() });
		events.push(membership(room, who, "join", now));
	}
	return events;
}

/** Takes a nick from the others: it turned out to be ours. Returns the events that the portal has to be told. */
export function isUs(room: RosterRoom, nick: string, now: Now): readonly BridgeEvent[] {
	stateOf(room.roster).unclaimedNicks.delete(nick);
	stateOf(room.roster).joinRoster?.delete(nick);
	const known = room.roster.others.get(nick);
	if (!known) return [];
	stateOf(room.roster).others.delete(nick);
	return [membership(room, known.person, "leave", now)];
}

/** Returns the sender of a line, also one that no presence announced. */
export function speaker(room: RosterRoom, nick: string, occupantId: string | undefined): Person {
	const known = room.roster.others.get(nick)?.person;
	const who = occupant(room.jid, nick, { occupantId: room.features.occupantIds ? occupantId : undefined });
	// The line may be an earlier holder's of the nick: its occupant-id says so.
	return known && (known.id === who.id || !occupantId || !room.features.occupantIds) ? known : who;
}

/** Returns the moderator of this nick; without a nick, or with the JID of somebody who is out, the MUC itself stands for them. */
export const actorOf = (room: RosterRoom, actor: string | undefined): Person =>
	actor === undefined ? roomItself(room.jid, room.features.name) : speaker(room, actor, undefined);

/** Returns a leave for each of `people` that is not in the MUC. */
export const gone = (room: RosterRoom, people: readonly Person[], now: Now): readonly BridgeEvent[] => {
	const here = new Set([...room.roster.others.values()].map((other) => other.person.id));
	return people.filter(({ id }) => !here.has(id)).map((one) => membership(room, one, "leave", now));
};
