import type { Person } from "../../../core/person.ts";
import { xmppNetwork } from "../../from-xmpp.ts";
import { bare } from "../../jid.ts";
import type { Element } from "../../stream/xml.ts";
import { announce } from "../announce.ts";
import type { HostedContext } from "../context.ts";
import { takePhoto } from "../faces.ts";
import { changeNick } from "../nick-changes.ts";
import { addOccupant, freeNick, holderOf, isReserved } from "../occupants.ts";
import { affiliationOf, payloadsOf, shownSession } from "../presences.ts";
import { full, nickTaken, type Refusal } from "../refusals.ts";
import { type HostedRoom, type Occupant, occupantOf, type Session } from "../room.ts";
import { storedForm } from "../sessions.ts";
import { sendRoom } from "./send-room.ts";

/** The client of a join. */
export type Client = Pick<Session, "jid" | "address">;

/** Resolves when the session of a join is on disk: after a crash, each client that was in is told to come back. */
export async function store(
	room: HostedRoom,
	person: Person,
	client: Client,
	context: HostedContext,
): Promise<void> {
	const nick = nickFor(room, person, client);
	if (nick !== undefined) await context.store.save(storedForm(room, nick, client));
}

/**
 * Returns the nick that a person will get in a room; undefined while nobody knows who is there. The ghost comes in under it: it
 * must not bear the name of a member for the moment before it is renamed.
 */
export const entryNick = (room: HostedRoom | undefined, person: Person, client: Client): string | undefined =>
	room && nickFor(room, person, client);

/**
 * Makes the sender of a join an occupant, whose ghost is in the room already under the name `called`, and sends the session
 * all that belongs to a join. Returns the refusal if somebody has the nick.
 */
export function admit(
	room: HostedRoom,
	person: Person,
	stanza: Element,
	context: HostedContext,
	called: string | undefined,
): Refusal | undefined {
	const { from = "", to = "" } = stanza.attrs;
	const wanted = person.name ?? "";
	const client = { jid: from, address: bare(to) };
	const nick = nickFor(room, person, client);
	if (nick === undefined) {
		showAsAway(room, person, context);
		leaveUnused(room, person, client, context);
		return nickTaken;
	}
	context.returns.back(room, person);
	const isNew = !occupantOf(room, person);
	const occupant = addOccupant(room, person, context.occupantId(room, person), nick);
	if (occupant.nick !== nick) changeNick(room, occupant, nick, context);
	const before = shownSession([...occupant.sessions.values()]);
	const session = sessionFor(room, occupant, client, stanza, context);
	void context.store.save(storedForm(room, nick, session));
	sendRoom({ room, occupant, session }, stanza, { altered: nick !== wanted }, context);
	if (isNew || shownSession([...occupant.sessions.values()]) !== before)
		announce(room, occupant, context, {}, session);
	if (nick !== called) context.memberships.rename(room.source, { ...person, name: nick });
	takePhoto({ room, occupant }, stanza, context);
	return undefined;
}

/**
 * Returns true if a join will be refused for its nick. Known before the ghost comes in, so that the room does not see somebody
 * come and go at once. A room by invitation tells of its nicks only those who are in it.
 */
export const isNickTaken = (room: HostedRoom, person: Person, client: Client): boolean =>
	(room.facts.entry === "everybody" || occupantOf(room, person) !== undefined) &&
	nickFor(room, person, client) === undefined;

/** Returns the nick that a person gets for the nick that they want; undefined if somebody else of XMPP has it. */
function nickFor(room: HostedRoom, person: Person, client: Client): string | undefined {
	const wanted = person.name ?? "";
	const known = occupantOf(room, person);
	// All clients of a person share one nick, as they share one ghost.
	const others = [...(known?.sessions.values() ?? [])].filter(
		({ jid, address }) => jid !== client.jid || address !== client.address,
	);
	if (known && others.length > 0) return known.nick;
	const holder = holderOf(room, wanted, person);
	// XEP-0045 §7.2.8: a nick that belongs to somebody is theirs while they are away, too.
	if (isReserved(room, wanted, person)) return undefined;
	// A member of the source cannot be asked to choose another name, and a client of XMPP can.
	return holder?.person.network === xmppNetwork ? undefined : freeNick(room, wanted, person);
}

/** Returns the session of a client, which may have joined before and have lost it. */
function sessionFor(
	room: HostedRoom,
	occupant: Occupant,
	client: Client,
	stanza: Element,
	context: HostedContext,
): Session {
	const heard = context.now().at;
	const known = context.rooms.joinedAs(client)?.session;
	if (known) {
		known.presence = payloadsOf(stanza);
		known.heard = heard;
		return known;
	}
	const session: Session = { ...client, presence: payloadsOf(stanza), heard };
	context.rooms.addSession({ room, occupant, session });
	return session;
}

/**
 * Returns true if a room is full for a person: it has as many people as its owners allow, and the person is neither an
 * owner nor an admin (XEP-0045 §7.2.9).
 */
export function isFull(room: HostedRoom, person: Person): boolean {
	const { maxUsers = Number.POSITIVE_INFINITY } = room.own;
	if (room.people.size < maxUsers || occupantOf(room, person)) return false;
	const affiliation = affiliationOf(room, person, false);
	return affiliation !== "owner" && affiliation !== "admin";
}

/** Has the ghost of somebody leave a full room again. */
export function turnAway(room: HostedRoom, person: Person, client: Client, context: HostedContext): Refusal {
	showAsAway(room, person, context);
	leaveUnused(room, person, client, context);
	return full;
}

/** Shows a person whose ghost is in the room, and who has no session there yet. */
export function showAsAway(room: HostedRoom, person: Person, context: HostedContext): void {
	if (occupantOf(room, person)) return;
	announce(room, addOccupant(room, person, context.occupantId(room, person)), context);
	context.returns.rest(room);
}

/** Has the ghost of a person without sessions leave, unless the room would not let it in again. */
export function leaveUnused(room: HostedRoom, person: Person, client: Client, context: HostedContext): void {
	if (!occupantOf(room, person)?.sessions.size && room.facts.entry === "everybody")
		context.returns.leave(room, person, client);
}
