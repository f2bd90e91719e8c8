import { personKey } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import { account } from "../../from-xmpp.ts";
import { domain, local } from "../../jid.ts";
import { mucAdmin } from "../../muc/admin.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { type Element, text } from "../../stream/xml.ts";
import { carryOut } from "../administration/carry-out.ts";
import { type Change, isAdmin, type Target } from "../administration/items.ts";
import { stepsOf } from "../administration/steps.ts";
import type { HostedContext } from "../context.ts";
import { refusalToReserve } from "../nick-changes.ts";
import { type Affiliation, affiliationOf, type Role, roleOf } from "../presences.ts";
import { bareJidIn, realJid } from "../real-jid.ts";
import { errorOf } from "../refusals.ts";
import { type Asker, askerOf } from "./asker.ts";
import type { RoomQuery } from "./query.ts";

/** The most changes of one request. */
const most = 50;

const roles: ReadonlySet<string> = new Set<Role>(["moderator", "participant", "visitor", "none"]);
const affiliations: ReadonlySet<string> = new Set<Affiliation>([
	"owner",
	"admin",
	"member",
	"none",
	"outcast",
]);

/**
 * Changes roles and affiliations (XEP-0045 §8 to §10), also for admins who are not in the room. All changes of a request are
 * checked first; then the source carries them out in the name of the asker.
 */
const changing: RoomQuery = {
	type: "set",
	name: "query",
	ns: mucAdmin,
	features: [],
	async answer(question, context) {
		const items = question.payload.getChildren("item");
		if (items.length === 0) throw new StanzaError("bad-request", "modify");
		if (items.length > most) throw new StanzaError("policy-violation", "modify");
		const asker = await askerOf(question, context);
		// The homeserver is asked for the people of the items, so people who may
		// change nothing, or ask too often, are refused first.
		if (!mayChangeAny(asker)) throw new StanzaError("forbidden", "auth", phrases.hostedNotYours);
		for (const _ of items)
			if (!context.mayAsk("change", asker.by.id))
				throw new StanzaError("resource-constraint", "wait", phrases.tooFast);
		const changes: Change[] = [];
		for (const item of items) changes.push(await changeIn(item, asker, context));
		const steps = stepsOf(changes, asker.by, asker.standing);
		await carryOut(steps, asker.by, asker.place, context);
		return undefined;
	},
};

export const administration: readonly RoomQuery[] = [changing];

/** Returns true for an admin, and for a moderator who is in the room. */
const mayChangeAny = ({ by, standing, inside }: Asker): boolean =>
	isAdmin(affiliationOf(standing, by)) ||
	(roleOf(standing, by) === "moderator" && inside.some((one) => personKey(one) === personKey(by)));

/** Resolves with the change that an item asks for. @throws StanzaError for a malformed one, or one about nobody */
async function changeIn(item: Element, asker: Asker, context: HostedContext): Promise<Change> {
	const { role, affiliation, jid, nick } = item.attrs;
	const reason = text(item, "reason") || undefined;
	// XEP-0045 §8 and §9: an item changes a role or an affiliation, and not both.
	if ((role === undefined) === (affiliation === undefined)) throw new StanzaError("bad-request", "modify");
	if (role !== undefined) {
		if (!roles.has(role)) throw new StanzaError("bad-request", "modify");
		return { target: await targetOf(item, asker, context), role: role as Role, reason };
	}
	const to = affiliation as Affiliation;
	if (!affiliations.has(to)) throw new StanzaError("bad-request", "modify");
	const of = jid === undefined ? undefined : bareJidIn(jid);
	// XEP-0045 §9.1: a ban may be of all JIDs of a domain.
	if (of !== undefined && local(of) === undefined) {
		if (of === context.component) throw new StanzaError("not-allowed", "cancel", phrases.hostedOwnPeople);
		return { domain: of, affiliation: to, inside: asker.inside, reason };
	}
	const target = await targetOf(item, asker, context);
	if (jid === undefined || nick === undefined || to !== "member") return { target, affiliation: to, reason };
	// XEP-0045 §9.3
	const refusal = refusalToReserve(asker.standing, nick, target.person);
	if (refusal) throw errorOf(refusal);
	return { target, affiliation: to, nick, reason };
}

/** Resolves with the person of an item, which names a nick in the room or a JID. */
async function targetOf(
	{ attrs: { nick, jid } }: Element,
	{ inside, place: { room } }: Asker,
	context: HostedContext,
): Promise<Target> {
	if (jid === undefined) {
		if (nick === undefined) throw new StanzaError("bad-request", "modify");
		const person = room?.occupants.get(nick)?.person;
		if (!person) throw new StanzaError("item-not-found", "cancel", phrases.hostedNoSuchOccupant);
		return { person, jid: realJid(person, context), isIn: true };
	}
	const of = bareJidIn(jid);
	if (local(of) === undefined) throw new StanzaError("jid-malformed", "modify");
	const person = await personAt(of, context);
	const found = inside.find((one) => personKey(one) === personKey(person));
	return { person: found ?? person, jid: of, isIn: found !== undefined };
}

/** Resolves with the person at a JID: an account, or the person of the source whose ghost has it. */
async function personAt(jid: string, context: HostedContext): Promise<Person> {
	if (domain(jid) !== context.component) return account(jid);
	const ghost = context.standsFor(jid);
	const found = ghost && (await context.bridge().findPerson(ghost.network, ghost.address));
	if (!found || found.network !== context.of) throw new StanzaError("item-not-found", "cancel");
	return found;
}
