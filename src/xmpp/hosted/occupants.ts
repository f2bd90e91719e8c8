import { hash } from "node:crypto";
import { skeleton } from "../../core/confusable.ts";
import { personKey } from "../../core/hosting.ts";
import type { Avatar, Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { longestNick, nickFor, otherNick, plainNick } from "../nick.ts";
import { nickOwner } from "./administration/record.ts";
import { roleOf } from "./presences.ts";
import { type HostedRoom, type Joined, type Occupant, occupantOf, sessionKey } from "./room.ts";

/** The occupants of a hosted room and their nicks. This file alone changes them. */

/**
 * Members besides the moderators whom a room shows before they say or do anything. Each one costs two stanzas for
 * each client that comes and goes.
 */
export const shownAtOnce = 200;

/** How many alternatives to a nick are tried in turn. */
const alternatives = 4;

/** Returns the holder of a nick, or of one that looks like it, unless that is `person`. */
export function holderOf(
	room: HostedRoom,
	nick: string,
	person: Pick<Person, "network" | "id">,
): Occupant | undefined {
	const holder = room.occupants.get(nick) ?? room.lookAlikes.get(skeleton(nick));
	return holder && personKey(holder.person) !== personKey(person) ? holder : undefined;
}

/** Returns true if a nick belongs to another person of XMPP, whether they are in the room or not. */
export function isReserved(
	{ record }: Pick<HostedRoom, "record">,
	nick: string,
	person: Pick<Person, "network" | "id">,
): boolean {
	const owner = nickOwner(record, nick);
	return owner !== undefined && owner !== personKey(person);
}

/**
 * Returns the nick for a person of this name: another one where somebody holds it, or one that looks like it. Poezio and
 * other clients with stringprep drop each stanza from a nick with newer characters (mostly emoji), so only the name beside
 * the nick has these (XEP-0172).
 */
export function freeNick(room: HostedRoom, wanted: string, person: Person): string {
	const [localpart = "", server] = person.address;
	const nick = plainNick(nickFor(wanted, localpart), localpart);
	const free = (one: string) => !holderOf(room, one, person) && !isReserved(room, one, person);
	if (free(nick)) return nick;
	const who = { localpart, ...(server !== undefined && { server }) };
	for (let n = 1; n <= alternatives; n++) {
		const other = otherNick(nick, n, who);
		if (free(other)) return other;
	}
	// Many members have this name and localparts that begin alike. A search would take longer with each of them.
	const mark = hash("sha256", personKey(person), "hex").slice(0, 12);
	const marked = otherNick(nick, 1, { localpart: mark, server: mark });
	return free(marked) ? marked : mark;
}

/** Adds a person, who is a member of the room, under a free nick. Returns the occupant that there is already, if there is one. */
export function addOccupant(room: HostedRoom, person: Person, id: string, wanted?: string): Occupant {
	const known = occupantOf(room, person);
	if (known) return known;
	const nick = freeNick(room, wanted ?? person.name ?? person.address[0] ?? "", person);
	const occupant: Occupant = { person, id, nick, sessions: new Map() };
	room.people.set(personKey(person), occupant);
	hold(room, occupant);
	return occupant;
}

/** Adds a member of the source as {@link addOccupant} does, hidden where the room shows enough others. */
export function addMember(room: HostedRoom, person: Person, id: string): Occupant {
	const known = occupantOf(room, person);
	if (known) return known;
	const isFull = room.people.size - room.hidden.size >= shownAtOnce;
	const occupant = addOccupant(room, person, id);
	if (isFull && person.network !== xmppNetwork && roleOf(room, person) !== "moderator")
		room.hidden.add(occupant);
	return occupant;
}

/** Has the room show an occupant from now on. Returns false for one that it showed before. */
export const unhide = (room: HostedRoom, occupant: Occupant): boolean => room.hidden.delete(occupant);

export function removeOccupant(room: HostedRoom, occupant: Occupant): void {
	room.people.delete(personKey(occupant.person));
	room.hidden.delete(occupant);
	release(room, occupant);
}

/** Gives an occupant a nick, which is free, and the name behind it. */
export function renameOccupant(
	room: HostedRoom,
	occupant: Occupant,
	nick: string,
	name: string | undefined,
): void {
	release(room, occupant);
	occupant.nick = nick;
	const { name: _old, ...nameless } = occupant.person;
	occupant.person = name === undefined ? nameless : { ...nameless, name };
	hold(room, occupant);
}

/** Gives an occupant the picture that the person has now. */
export function setAvatar(occupant: Occupant, avatar: Avatar | null): void {
	occupant.person = { ...occupant.person, avatar };
}

function hold(room: HostedRoom, occupant: Occupant): void {
	room.occupants.set(occupant.nick, occupant);
	room.lookAlikes.set(skeleton(occupant.nick), occupant);
}

function release(room: HostedRoom, { nick }: Occupant): void {
	room.occupants.delete(nick);
	room.lookAlikes.delete(skeleton(nick));
}

export function addSession({ room, occupant, session }: Joined): void {
	const key = sessionKey(session.address, session.jid);
	occupant.sessions.set(key, session);
	room.sessions.set(key, session);
}

export function removeSession({ room, occupant, session }: Joined): void {
	const key = sessionKey(session.address, session.jid);
	occupant.sessions.delete(key);
	room.sessions.delete(key);
}

/** Returns the reason why a client cannot have this nick; undefined if it can. */
export function nickFault(nick: string): "none" | "too long" | "unfit" | undefined {
	if (nick.trim() === "") return "none";
	if ([...nick].length > longestNick) return "too long";
	return plainNick(nickFor(nick, ""), "") === nick ? undefined : "unfit";
}
