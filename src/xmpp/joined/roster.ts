import type { BridgeEvent } from "../../core/event.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { isByNick, occupant } from "../from-xmpp.ts";
import { domain } from "../jid.ts";
import type { OccupantPresence } from "../muc/presence.ts";
import { statusCodes } from "../muc/status-codes.ts";
import { isJoining, reserveNick } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** Who else is in a room, by the listener's copy of their presence. Functions on {@link Room}, no I/O. */

/** Bytes that the others in one room may take in memory, and the least that one takes. */
const [crowdBytes, leastBytes] = [8 * 1_048_576, 800];

/**
 * Whether one more may be kept in `list`. A MUC can claim any number of occupants; those beyond come when they first
 * speak, and are told apart by what their lines say. Long names leave place for fewer.
 */
const fits = (list: ReadonlyMap<string, unknown>, { nick, occupantId = "", real = "" }: OccupantPresence) =>
	list.has(nick) ||
	(list.size + 1) * (leastBytes + 16 * (nick.length + occupantId.length + real.length)) <= crowdBytes;

export type Now = Readonly<{ at: number; unique(): string }>;

const person = (room: Room, seen: OccupantPresence): Person => {
	const { real } = seen;
	// Without the feature an occupant-id is whatever the sender wrote (XEP-0421 §5).
	const occupantId = room.features.occupantIds ? seen.occupantId : undefined;
	return occupant(room.jid, seen.nick, { occupantId, real });
};

/** Whether it is one of us: told by the nick we hold, or the JID the room shows. */
const isOurs = (room: Room, seen: OccupantPresence, component: string): boolean =>
	room.ours.byNick.has(seen.nick) || (seen.real !== undefined && domain(seen.real) === component);

const joining = (room: Room) => [...room.ours.byJid.values()].filter(isJoining);

/** Takes one presence of the listener's copy in. Resolves to what the other side has to be told. */
export function handlePresence(
	room: Room,
	seen: OccupantPresence,
	component: string,
	now: Now,
): readonly BridgeEvent[] {
	room.clock++;
	if (seen.available) return isOurs(room, seen, component) ? [] : came(room, seen, now);
	room.unclaimedNicks.delete(seen.nick);
	if (room.ours.byNick.has(seen.nick)) {
		// Their own copy of a rename (303) may come after ours: the new nick is theirs from here on.
		const ours = room.ours.byNick.get(seen.nick);
		if (seen.codes.has(statusCodes.nickChanged) && seen.newNick && ours)
			reserveNick(room.ours, ours, seen.newNick);
		return [];
	}
	return left(room, seen, now);
}

function came(room: Room, seen: OccupantPresence, now: Now): readonly BridgeEvent[] {
	const who = person(room, seen);
	if (!fits(room.joinRoster ?? room.others, seen)) return [];
	if (room.joinRoster) {
		room.joinRoster.set(seen.nick, {
			person: keep(room.others.get(seen.nick)?.person, who),
			since: room.clock,
			session: now.unique(),
		});
		return [];
	}
	const known = room.others.get(seen.nick);
	// A nick that was not free in between has not changed hands, whatever the room shows now.
	const same = known && (isByNick(who, room.jid) || isByNick(known.person, room.jid));
	if (same || known?.person.id === who.id) return [];
	if (!known && joining(room).length > 0) {
		if (!fits(room.unclaimedNicks, seen)) return [];
		room.unclaimedNicks.set(seen.nick, seen);
		return [];
	}
	room.others.set(seen.nick, { person: who, since: room.clock, session: now.unique() });
	return [
		...(known ? [membership(room, known.person, "leave", now)] : []),
		membership(room, who, "join", now),
	];
}

function left(room: Room, seen: OccupantPresence, now: Now): readonly BridgeEvent[] {
	const known = room.others.get(seen.nick);
	if (!known) return [];
	room.others.delete(seen.nick);
	const renamed = seen.codes.has(statusCodes.nickChanged) ? seen.newNick : undefined;
	const who = keep(known.person, person(room, { ...seen, nick: renamed ?? seen.nick }));
	// XEP-0045 §7.6. Where but the nick told who they are, one goes and another comes.
	if (renamed && who.id === known.person.id && fits(room.others, { ...seen, nick: renamed })) {
		room.others.set(renamed, { ...known, person: who, since: room.clock });
		return [{ kind: "profile", ...base(room, who, now) }];
	}
	// One person may be there under several nicks, from several clients.
	if ([...room.others.values()].some((other) => other.person.id === known.person.id)) return [];
	const { actor, reason } = seen;
	return [
		{
			...membership(room, known.person, "leave", now),
			...(actor && { by: actor }),
			...(reason && { reason }),
		},
	];
}

/** The address stays the one of the first nick, so that a ghost keeps its name across renames. */
const keep = (known: Person | undefined, who: Person): Person =>
	known?.id === who.id ? { ...who, address: known.address } : who;

/** No join of ours is open any more, or one of these nicks spoke: who is still held is somebody else. */
export function release(room: Room, component: string, now: Now, nick?: string): readonly BridgeEvent[] {
	if (nick === undefined && joining(room).length > 0) return [];
	const events: BridgeEvent[] = [];
	for (const [name, seen] of room.unclaimedNicks) {
		if (nick !== undefined && name !== nick) continue;
		room.unclaimedNicks.delete(name);
		if (isOurs(room, seen, component) || room.others.has(name) || !fits(room.others, seen)) continue;
		const who = person(room, seen);
		room.others.set(name, { person: who, since: room.clock, session: now.unique() });
		events.push(membership(room, who, "join", now));
	}
	return events;
}

/** This nick turned out to be ours: nobody else has it. */
export function isUs(room: Room, nick: string, now: Now): readonly BridgeEvent[] {
	room.unclaimedNicks.delete(nick);
	room.joinRoster?.delete(nick);
	const known = room.others.get(nick);
	if (!known) return [];
	room.others.delete(nick);
	return [membership(room, known.person, "leave", now)];
}

/** The sender of a line, also when no presence announced them. */
export function speaker(room: Room, nick: string, occupantId: string | undefined): Person {
	const known = room.others.get(nick)?.person;
	const who = occupant(room.jid, nick, { occupantId: room.features.occupantIds ? occupantId : undefined });
	// A line said under a nick by its holder before: the id in it says who that was.
	return known && (known.id === who.id || !occupantId || !room.features.occupantIds) ? known : who;
}

/** Those of `people` who are not in the room, as people who leave it. */
export const gone = (room: Room, people: readonly Person[], now: Now): readonly BridgeEvent[] => {
	const here = new Set([...room.others.values()].map((other) => other.person.id));
	return people.filter(({ id }) => !here.has(id)).map((one) => membership(room, one, "leave", now));
};

const base = (room: Room, sender: Person, now: Now) => ({
	id: `presence ${now.unique()}` as MessageId,
	room: room.jid as RoomId,
	sender,
	at: now.at,
});
const membership = (room: Room, sender: Person, change: "join" | "leave", now: Now): BridgeEvent => ({
	kind: "membership",
	change,
	...base(room, sender, now),
});
