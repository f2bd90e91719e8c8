import { setTimeout as sleep } from "node:timers/promises";
import { PermanentError } from "../../../core/errors.ts";
import { type LevelChange, personKey } from "../../../core/hosting.ts";
import { createRateLimit } from "../../../core/limits.ts";
import type { Person } from "../../../core/person.ts";
import { account } from "../../from-xmpp.ts";
import { bare, domain, local, prepared } from "../../jid.ts";
import { mucAdmin } from "../../muc/admin.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { type Element, text } from "../../stream/xml.ts";
import { type Change, type Step, stepsOf, type Target } from "../admin-items.ts";
import type { HostedContext } from "../context.ts";
import { type Affiliation, affiliationOf, type Role } from "../presences.ts";
import type { HostedRoom } from "../room.ts";
import type { RoomQuery } from "./query.ts";

/** The most changes of one request. */
const most = 50;
/** Time, in ms, for which a change of levels is awaited in the timeline, and between two looks for it. */
const [shownWithin, look] = [5_000, 20];
/** Changes of one person: each asks the homeserver. */
const mayChange = createRateLimit({ perMinute: 60, burst: 60 });

const roles: ReadonlySet<string> = new Set<Role>(["moderator", "participant", "visitor", "none"]);
const affiliations: ReadonlySet<string> = new Set<Affiliation>([
	"owner",
	"admin",
	"member",
	"none",
	"outcast",
]);

/** Refuses a change of a room (XEP-0045 §10): the people of the room make it on its own network. */
const refusing = (type: "get" | "set", ns: string, name = "query"): RoomQuery => ({
	type,
	name,
	ns,
	features: [],
	async answer({ place: { facts, joined } }) {
		const affiliation = joined ? affiliationOf(facts, joined.occupant.person) : "none";
		if (affiliation !== "owner" && affiliation !== "admin")
			throw new StanzaError("forbidden", "auth", phrases.hostedNotYours);
		throw new StanzaError("feature-not-implemented", "cancel", phrases.hostedAdministered);
	},
});

/**
 * Changes roles and affiliations (XEP-0045 §8 to §10). All changes of a request are checked first; then the source carries
 * them out in the name of the one who asks, whose power level there decides.
 */
const changing: RoomQuery = {
	type: "set",
	name: "query",
	ns: mucAdmin,
	features: [],
	async answer({ payload, place: { joined } }, context) {
		if (!joined) throw new StanzaError("forbidden", "auth", phrases.hostedNotYours);
		const { room, occupant } = joined;
		const items = payload.getChildren("item");
		if (items.length === 0) throw new StanzaError("bad-request", "modify");
		if (items.length > most) throw new StanzaError("policy-violation", "modify");
		const changes = await Promise.all(items.map((item) => changeIn(item, room, context)));
		const steps = changes.flatMap((change) => stepsOf(change, occupant.person, room.facts));
		for (const _ of items)
			if (!mayChange(personKey(occupant.person)))
				throw new StanzaError("resource-constraint", "wait", phrases.tooFast);
		await carryOut(steps, occupant.person, room, context).catch((error: unknown) => {
			if (!(error instanceof PermanentError) || error.reason !== "forbidden") throw error;
			throw new StanzaError("forbidden", "auth", error.message);
		});
		return undefined;
	},
};

export const administration: readonly RoomQuery[] = [
	changing,
	refusing("get", "http://jabber.org/protocol/muc#owner"),
	refusing("set", "http://jabber.org/protocol/muc#owner"),
	// XEP-0486 §3.2: the picture of the room.
	refusing("set", "vcard-temp", "vCard"),
];

/** Returns the change that an item asks for. @throws StanzaError for a malformed one, or one about nobody */
async function changeIn(item: Element, room: HostedRoom, context: HostedContext): Promise<Change> {
	const { role, affiliation } = item.attrs;
	const what =
		role !== undefined && affiliation === undefined && roles.has(role)
			? { role: role as Role }
			: affiliation !== undefined && affiliations.has(affiliation)
				? { affiliation: affiliation as Affiliation }
				: undefined;
	if (!what) throw new StanzaError("bad-request", "modify");
	const reason = text(item, "reason") || undefined;
	return { target: await targetOf(item, room, context), reason, ...what };
}

async function targetOf(
	{ attrs: { nick, jid } }: Element,
	room: HostedRoom,
	context: HostedContext,
): Promise<Target> {
	if (jid === undefined) {
		const person = nick === undefined ? undefined : room.occupants.get(nick)?.person;
		if (nick === undefined) throw new StanzaError("bad-request", "modify");
		if (!person) throw new StanzaError("item-not-found", "cancel", phrases.hostedNoSuchOccupant);
		return { whom: person, person, isIn: true };
	}
	const of = prepared(bare(jid));
	if (!/^([^@\s]+@)?[^@\s]+$/.test(of)) throw new StanzaError("jid-malformed", "modify");
	// A ban of a whole server has no counterpart among power levels and bans of people.
	if (local(of) === undefined)
		throw new StanzaError("feature-not-implemented", "cancel", phrases.hostedNoServerBans);
	const person = await personAt(of, context);
	const isIn = room.people.has(personKey(person));
	return { whom: person, person: room.people.get(personKey(person))?.person ?? person, isIn };
}

/** Resolves with the person at a JID: an account, or the person of the source whose ghost has it. */
async function personAt(jid: string, context: HostedContext): Promise<Person> {
	if (domain(jid) !== context.component) return account(jid);
	const ghost = context.standsFor(jid);
	const found = ghost && (await context.bridge().findPerson(ghost.network, ghost.address));
	if (!found || found.network !== context.of) throw new StanzaError("item-not-found", "cancel");
	return found;
}

async function carryOut(
	steps: readonly Step[],
	by: Person,
	room: HostedRoom,
	{ bridge, of }: HostedContext,
): Promise<void> {
	const there = bridge().views.source(of);
	const { source } = room;
	const levels = steps.flatMap((one): readonly LevelChange[] =>
		one.kind === "level" ? [{ whom: one.whom, level: one.level }] : [],
	);
	const before = room.facts;
	if (levels.length > 0) await there.setLevels(source, by, levels);
	for (const one of steps) {
		if (one.kind === "level") continue;
		if (one.kind === "invite") await there.invite(source, by, one.whom);
		else await there.moderate(source, by, one.kind, one.whom, one.reason);
	}
	// The next request of a client is judged by the levels that this one has set.
	if (levels.length > 0)
		for (let tried = 0; room.facts === before && tried < shownWithin; tried += look) await sleep(look);
}
