import { levelOf, mayDo, personKey, type RoomFacts } from "../../core/hosting.ts";
import type { Person } from "../../core/person.ts";
import { table } from "../../core/table.ts";
import { mucUser } from "../muc/status-codes.ts";
import { type Element, text, xml } from "../stream/xml.ts";
import { fullName } from "../to-xmpp.ts";
import type { RoomRecord } from "./administration/record.ts";
import type { Occupant, Session } from "./room.ts";

/** The presences of a hosted room (XEP-0045 §7). Pure. */

export type Affiliation = "owner" | "admin" | "member" | "none" | "outcast";
export type Role = "moderator" | "participant" | "visitor" | "none";

/** The affiliations and roles of a room: those that its source holds, and those that the bridge keeps. */
export type Standing = Readonly<{ facts: RoomFacts; record: RoomRecord }>;

/** Returns the affiliation of a person. In a room by invitation, everybody who is in it is a member. */
export function affiliationOf(
	{ facts, record }: Standing,
	person: Pick<Person, "network" | "id">,
	isIn = true,
): Affiliation {
	const level = facts.levels ? levelOf(facts.levels, person) : 0;
	if (level >= 100) return "owner";
	if (level >= 50) return "admin";
	if (facts.entry === "invited") return isIn ? "member" : "none";
	return record.members.has(personKey(person)) ? "member" : "none";
}

/** Returns the role of a person who is in the room. */
export function roleOf({ facts: { levels } }: Pick<Standing, "facts">, person: Person): Role {
	if (!levels) return "participant";
	if (mayDo(levels, person, "redact") || mayDo(levels, person, "kick")) return "moderator";
	return mayDo(levels, person, "speak") ? "participant" : "visitor";
}

/** The parts of a presence besides the state of its occupant. */
export type Happening = Readonly<{
	/** The id of the presence that this one answers. */
	id?: string | undefined;
	/** The occupant is out. `destroy`: so is everybody, for good. */
	gone?: true;
	codes?: readonly string[];
	newNick?: string;
	affiliation?: Affiliation;
	/** The nick of the actor. */
	actor?: string | undefined;
	reason?: string | undefined;
	/** `password`: that of the other room. */
	destroy?: Readonly<{ alternate?: string; password?: string; reason?: string }>;
}>;

/** An occupant as presences show it. */
export type Shown = Readonly<{
	nick: string;
	/** The occupant-id (XEP-0421). */
	id: string;
	jid: string;
	affiliation: Affiliation;
	role: Role;
	payloads: readonly Element[];
	hats?: Element | undefined;
}>;

/** Returns the occupant as presences show it. `ghost`: the full JID of its ghost, and the payloads of all ghosts' presences. */
export function shown(
	{ nick, id, person, sessions }: Occupant,
	standing: Standing,
	ghost: Readonly<{ jid: string; payloads: readonly Element[] }> | undefined,
): Shown {
	const session = shownSession([...sessions.values()]);
	const name = person.name !== nick ? fullName(person.name) : undefined;
	const payloads = ghost ? [...(name ? [name] : []), ...ghost.payloads] : (session?.presence ?? [away]);
	return {
		nick,
		id,
		jid: ghost?.jid ?? session?.jid ?? person.id,
		affiliation: affiliationOf(standing, person),
		role: roleOf(standing, person),
		payloads,
	};
}

/** A person whose membership outlives their sessions. */
const away = xml("show", {}, "away");

/** Returns the presence of an occupant in the room at `address`; its recipient is still to be set. */
export function presence(address: string, one: Shown, what: Happening = {}): Element {
	const { gone, codes = [], actor, reason, destroy } = what;
	// XEP-0045 §10.9: nobody is anything in a room that is no more.
	const affiliation = destroy ? "none" : (what.affiliation ?? one.affiliation);
	const item = xml(
		"item",
		{ affiliation, role: gone && !what.newNick ? "none" : one.role, jid: one.jid, nick: what.newNick },
		actor === undefined ? undefined : xml("actor", { nick: actor }),
		reason ? xml("reason", {}, reason) : undefined,
	);
	return xml(
		"presence",
		{ from: `${address}/${one.nick}`, id: what.id, type: gone && "unavailable" },
		gone ? undefined : one.payloads,
		gone ? undefined : one.hats,
		xml(
			"x",
			{ xmlns: mucUser },
			item,
			destroy &&
				xml(
					"destroy",
					{ jid: destroy.alternate },
					destroy.password && xml("password", {}, destroy.password),
					destroy.reason && xml("reason", {}, destroy.reason),
				),
			codes.map((code) => xml("status", { code })),
		),
		xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: one.id }),
	);
}

/**
 * Returns the session whose presence stands for its occupant: the one most available, then of the highest priority, then
 * the one that joined first, so that it does not alternate.
 */
export function shownSession(sessions: readonly Session[]): Session | undefined {
	const rank = ({ presence }: Session) => {
		const find = (name: string) => presence.find((one) => one.name === name)?.getText() ?? "";
		return [availability[find("show")] ?? 3, Number.parseInt(find("priority"), 10) || 0] as const;
	};
	const better = ([show, priority]: readonly [number, number], than: readonly [number, number]) =>
		show > than[0] || (show === than[0] && priority > than[1]);
	return sessions.reduce<Session | undefined>(
		(best, one) => (!best || better(rank(one), rank(best)) ? one : best),
		undefined,
	);
}
const availability = table<number>({ dnd: 2, away: 1, xa: 0 });

/** The namespaces of payloads that a MUC alone may add. */
const ofTheMuc: ReadonlySet<string | undefined> = new Set([
	"http://jabber.org/protocol/muc",
	mucUser,
	"http://jabber.org/protocol/muc#admin",
	"http://jabber.org/protocol/muc#owner",
	"urn:xmpp:occupant-id:0",
	"urn:xmpp:sid:0",
	"urn:xmpp:delay",
	"jabber:x:delay",
	"urn:xmpp:hats:0",
	"xmpp:prosody.im/hats:1",
	// A name that differs from the nick could be that of somebody else.
	"http://jabber.org/protocol/nick",
]);

/** Bytes of the payloads of one presence: what a client says of itself is far less. */
const mostPayload = 8 * 1024;

/** Returns the payloads of a client's presence that the others get; none of a presence that is too large. */
export function payloadsOf(stanza: Element): readonly Element[] {
	const kept = stanza.getChildElements().filter((one) => !ofTheMuc.has(one.getNS()) && one.name !== "error");
	return kept.reduce((sum, one) => sum + one.toString().length, 0) > mostPayload ? [] : kept;
}

/** Returns true for a presence that wants to join (XEP-0045 §7.2.1). */
export const isJoin = (stanza: Element): boolean =>
	stanza.name === "presence" && stanza.getChild("x", "http://jabber.org/protocol/muc") !== undefined;

/** Returns the reason that a person gives for a leave. */
export const statusOf = (stanza: Element): string | undefined => text(stanza, "status") || undefined;
