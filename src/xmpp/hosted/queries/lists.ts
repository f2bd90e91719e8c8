import { personKey } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import { xmppNetwork } from "../../from-xmpp.ts";
import { mucAdmin } from "../../muc/admin.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { child, xml } from "../../stream/xml.ts";
import { isAdmin } from "../administration/items.ts";
import type { HostedContext } from "../context.ts";
import { affiliationOf, roleOf } from "../presences.ts";
import { realJid } from "../real-jid.ts";
import { type Asker, askerOf } from "./asker.ts";
import type { RoomQuery } from "./query.ts";

/** People that are listed, so that the answer stays below the stanza limit of servers. */
const most = 1_000;

const affiliations: ReadonlySet<string> = new Set(["owner", "admin", "member", "outcast"]);
const roles: ReadonlySet<string> = new Set(["moderator", "participant", "visitor"]);

type Item = Readonly<
	Record<"jid", string> & Partial<Record<"nick" | "reason" | "role" | "affiliation", string | undefined>>
>;

/**
 * Lists the people of a room by affiliation or role (XEP-0045 §8.5, §9 and §10), those who are not in the room, too. Many
 * clients ask at each join, to know whom they encrypt for in a room by invitation.
 */
export const lists: RoomQuery = {
	type: "get",
	name: "query",
	ns: mucAdmin,
	features: [],
	async answer(question, context) {
		const { affiliation, role } = child(question.payload, "item")?.attrs ?? {};
		const wanted = affiliation ?? role ?? "";
		if (!(affiliation === undefined ? roles : affiliations).has(wanted))
			throw new StanzaError("bad-request", "modify");
		const asker = await askerOf(question, context);
		const isIn = question.place.joined !== undefined;
		const may =
			affiliation === undefined ? isIn && mayReadRoles(asker, wanted) : mayRead(asker, wanted, isIn);
		if (!may) throw new StanzaError("forbidden", "auth", phrases.hostedNotYours);
		const found =
			affiliation === undefined
				? byRole(asker, wanted, context)
				: await byAffiliation(asker, wanted, context);
		const items = found
			.slice(0, most)
			.map(({ jid, nick, reason, ...more }) =>
				xml("item", { affiliation, ...more, jid, nick }, reason && xml("reason", {}, reason)),
			);
		return xml("query", { xmlns: mucAdmin }, items);
	},
};

/** XEP-0045 §9.8 lets admins read the list of moderators, and §8.5 lets moderators read those of the others. */
function mayReadRoles({ by, standing }: Asker, role: string): boolean {
	if (isAdmin(affiliationOf(standing, by))) return true;
	return role !== "moderator" && roleOf(standing, by) === "moderator";
}

/**
 * XEP-0045 §10.5 and §10.8: owners read who owns and administers the room, and in a room that is not anonymous everybody who
 * is there. §9.5: admins read the list of members, and so do the members of a room for members only.
 */
function mayRead({ by, standing }: Asker, affiliation: string, isIn: boolean): boolean {
	const own = affiliationOf(standing, by, isIn);
	if (own === "owner") return true;
	if (affiliation === "outcast") return own === "admin";
	const isClosed = standing.facts.entry === "invited";
	if (affiliation === "member") return own === "admin" || (isClosed && isIn);
	return isIn;
}

/** Returns a person as lists show them: by the nick that they have in the room, or that belongs to them. */
function itemOf({ standing, place: { room } }: Asker, person: Person, context: HostedContext): Item {
	const key = personKey(person);
	const nick = room?.people.get(key)?.nick ?? standing.record.nicks.get(key)?.nick;
	return { jid: realJid(person, context), nick };
}

/** Only people who are in the room have a role. */
function byRole(asker: Asker, role: string, context: HostedContext): readonly Item[] {
	const { inside, standing } = asker;
	return inside
		.filter((person) => roleOf(standing, person) === role)
		.map((person) => ({
			...itemOf(asker, person, context),
			role,
			affiliation: affiliationOf(standing, person),
		}));
}

async function byAffiliation(asker: Asker, wanted: string, context: HostedContext): Promise<readonly Item[]> {
	if (wanted === "outcast") return outcasts(asker, context);
	return wanted === "member" ? members(asker, context) : withAffiliation(asker, wanted, context);
}

/** Resolves with the people on a list of the source who are not in the room. @throws StanzaError to somebody who asks too often */
async function absent(
	{ by, place }: Asker,
	which: "banned" | "invited",
	context: HostedContext,
): Promise<readonly Item[]> {
	// Each such list is a request to the homeserver.
	if (!context.mayAsk(which, by.id)) throw new StanzaError("resource-constraint", "wait", phrases.tooFast);
	const found = await context.bridge().views.source(context.of).absent(place.source, by, which);
	return found.map(({ network, address, reason }) => ({
		jid: network === xmppNetwork ? (address[0] ?? "") : context.ghost({ network, address }),
		reason,
	}));
}

const outcasts = async (asker: Asker, context: HostedContext): Promise<readonly Item[]> => [
	...(await absent(asker, "banned", context)),
	...[...asker.standing.record.domains].map(([jid, reason]) => ({ jid, reason })),
];

/** Returns the people with a power level of their own who are not in the room. */
function outside({ standing: { facts }, inside }: Asker): readonly Person[] {
	const isIn = new Set(inside.map(personKey));
	return (facts.levels?.people ?? []).filter((person) => !isIn.has(personKey(person)));
}

/** Returns the people in the room, and those with a power level, who have an affiliation. */
function withAffiliation(asker: Asker, wanted: string, context: HostedContext): readonly Item[] {
	const { inside, standing } = asker;
	return [
		...inside.filter((person) => affiliationOf(standing, person) === wanted),
		...outside(asker).filter((person) => affiliationOf(standing, person, false) === wanted),
	].map((person) => itemOf(asker, person, context));
}

/** Resolves with the members: also the invited of a room by invitation, and those in the record of any other room. */
async function members(asker: Asker, context: HostedContext): Promise<readonly Item[]> {
	const { standing } = asker;
	const { facts, record } = standing;
	const known = withAffiliation(asker, "member", context);
	const others =
		facts.entry === "invited"
			? await absent(asker, "invited", context)
			: [...record.members].map(([key, jid]) => ({ jid, nick: record.nicks.get(key)?.nick }));
	// A person may be invited and have a level: the lists of owners and admins name them.
	const powerful = outside(asker).filter((person) => isAdmin(affiliationOf(standing, person, false)));
	const named = new Set([
		...known.map(({ jid }) => jid),
		...powerful.map((person) => realJid(person, context)),
	]);
	return [...known, ...others.filter(({ jid }) => !named.has(jid))];
}
