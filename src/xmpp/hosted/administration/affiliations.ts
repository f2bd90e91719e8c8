import { personKey } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import { domain } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { type Affiliation, affiliationOf, type Standing } from "../presences.ts";
import {
	admin,
	type Change,
	conflict,
	forbidden,
	isAdmin,
	keep,
	levelFor,
	levelIn,
	notAllowed,
	owner,
	type Step,
	type Target,
} from "./items.ts";

/** Returns the refusal of a change by its maker's affiliation; undefined for one that they may make. */
function refusalOf(
	{ target, affiliation }: Extract<Change, { target: Target; affiliation: Affiliation }>,
	by: Person,
	standing: Standing,
): StanzaError | undefined {
	const { person, isIn } = target;
	const { facts } = standing;
	const [mine, now] = [affiliationOf(standing, by), affiliationOf(standing, person, isIn)];
	const isSelf = personKey(person) === personKey(by);
	if (!isAdmin(mine)) return forbidden();
	// XEP-0045 §9.1: nobody bans themselves.
	if (affiliation === "outcast" && isSelf) return conflict(phrases.hostedNoBanOfSelf);
	if (affiliation === now) return undefined;
	if (isSelf) return mine !== "owner" && isAdmin(affiliation) ? forbidden() : undefined;
	// XEP-0045 §9.1: no admin bans people who are as high. §10: only an owner makes and unmakes owners and admins.
	if (mine !== "owner" && isAdmin(now)) return affiliation === "outcast" ? notAllowed() : forbidden();
	if (mine !== "owner" && isAdmin(affiliation)) return forbidden();
	// In a room that the bot has made, it carries out what owners decide; elsewhere nobody lowers an equal.
	const [above, own] = [levelIn(facts, person), levelIn(facts, by)];
	if (isAdmin(now) && (facts.made ? above > own : above >= own)) return notAllowed();
	return undefined;
}

/** Returns the steps that a change of an affiliation needs (XEP-0045 §9 and §10). Pure. @throws StanzaError */
export function affiliationSteps(
	change: Extract<Change, { target: Target; affiliation: Affiliation }>,
	by: Person,
	standing: Standing,
): readonly Step[] {
	const refusal = refusalOf(change, by, standing);
	if (refusal) throw refusal;
	const { target, affiliation, reason, nick } = change;
	const { person, jid, isIn } = target;
	const { facts, record } = standing;
	const key = personKey(person);
	const now = affiliationOf(standing, person, isIn);
	const level = (value: number | undefined): readonly Step[] =>
		facts.levels?.of.get(key) === value ? [] : [{ kind: "level", whom: person, level: value, reason }];
	const forget = (...of: readonly ("members" | "nicks" | "moderators")[]): readonly Step[] =>
		of.flatMap((list) => (record[list].has(key) ? [keep({ list, key, value: undefined })] : []));
	const isModerator = affiliation === "outcast" && record.moderators.has(key);
	/** The level of somebody who stays without power of their own. A moderator's level is no affiliation. */
	const lowered = (to: "member" | "none"): readonly Step[] =>
		isAdmin(now) || isModerator || facts.levels?.of.get(key) === levelFor("member", facts)
			? level(levelFor(to, facts))
			: [];
	/** Only the source knows whether a person outside is banned. */
	const admitted: readonly Step[] = isIn
		? []
		: [
				{ kind: "unban", whom: person, reason },
				...(facts.entry === "invited" ? [{ kind: "invite", whom: person, reason } as const] : []),
			];
	switch (affiliation) {
		case "outcast":
			return [
				...lowered("none"),
				{ kind: "ban", whom: person, reason },
				// XEP-0045 §9.1: an outcast has neither an affiliation nor a registered nick.
				...forget("members", "nicks", "moderators"),
			];
		case "owner":
		case "admin":
			if (now === affiliation) return [];
			return [
				...level(affiliation === "owner" ? owner : admin),
				...admitted,
				...forget("members", "moderators"),
			];
		case "member":
			return [
				...(now === "member" ? [] : lowered("member")),
				...(facts.entry === "everybody" ? memberSteps(standing, target) : []),
				...(now === "member" ? [] : admitted),
				...(nick === undefined ? [] : [keep({ list: "nicks", key, value: { jid, nick } })]),
			];
		case "none":
			// XEP-0045 §9.4: a room for members only removes a person who is no member any more.
			return [
				...lowered("none"),
				...(isIn ? [] : [{ kind: "unban", whom: person, reason } as const]),
				...(facts.entry === "invited"
					? [{ kind: "kick", whom: person, as: "affiliationLost", reason } as const]
					: []),
				...forget("members", "nicks"),
			];
		default:
			return affiliation satisfies never;
	}
}

/** Returns the steps by which somebody becomes a member of a room that everybody may join. */
export function memberSteps({ facts, record }: Standing, { person, jid }: Target): readonly Step[] {
	const key = personKey(person);
	if (record.members.has(key)) return [];
	const voice = levelFor("member", facts);
	const has = levelIn(facts, person);
	return [
		...(voice !== undefined && has < voice
			? [{ kind: "level", whom: person, level: voice, reason: undefined } as const]
			: []),
		keep({ list: "members", key, value: jid }),
	];
}

/** Returns the steps of a ban of all JIDs of a domain, or of the end of that ban (XEP-0045 §9.1). Pure. @throws StanzaError */
export function domainBanSteps(
	{ domain: banned, affiliation, inside, reason }: Extract<Change, { domain: string }>,
	by: Person,
	standing: Standing,
): readonly Step[] {
	if (!isAdmin(affiliationOf(standing, by))) throw forbidden();
	if (affiliation === "none")
		return standing.record.domains.has(banned)
			? [
					{ kind: "domain", domain: banned, banned: false, reason },
					keep({ list: "domains", key: banned, value: undefined }),
				]
			: [];
	if (affiliation !== "outcast") throw new StanzaError("bad-request", "modify");
	if (domain(by.id) === banned) throw conflict(phrases.hostedNoBanOfSelf);
	const { facts } = standing;
	const isOfIt = ({ id }: Person) => domain(id) === banned;
	const ofIt = inside.filter(isOfIt);
	const ranked = (facts.levels?.people ?? []).filter(isOfIt);
	if ([...ofIt, ...ranked].some((person) => levelIn(facts, person) >= levelIn(facts, by))) throw notAllowed();
	return [
		{ kind: "domain", domain: banned, banned: true, reason },
		keep({ list: "domains", key: banned, value: reason ?? "" }),
		...ofIt.map((whom) => ({ kind: "kick", whom, as: "banned", reason }) as const),
	];
}
