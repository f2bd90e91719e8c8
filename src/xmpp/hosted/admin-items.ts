import { type LevelChange, levelOf, type RoomFacts } from "../../core/hosting.ts";
import type { Person } from "../../core/person.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import { type Affiliation, affiliationOf, type Role, roleOf } from "./presences.ts";

/**
 * The rules of XEP-0045 §8 to §10 about changes of roles and affiliations, as power levels, removals and bans of the source
 * room stand for these. Pure.
 */

/** The person whom an item is about. `person`: absent for somebody of whom only the address is known. */
export type Target = Readonly<{ whom: LevelChange["whom"]; person: Person | undefined; isIn: boolean }>;

/** One change that a moderator asks for. */
export type Change = Readonly<
	{ target: Target; reason: string | undefined } & ({ role: Role } | { affiliation: Affiliation })
>;

/** One request to the source. */
export type Step =
	| Readonly<{ kind: "level"; whom: LevelChange["whom"]; level: number | undefined }>
	| Readonly<{
			kind: "kick" | "ban" | "unban" | "invite";
			whom: LevelChange["whom"];
			reason?: string | undefined;
	  }>;

const owner = 100;
const admin = 50;

const forbidden = () => new StanzaError("forbidden", "auth", phrases.hostedNotYours);
const notAllowed = () => new StanzaError("not-allowed", "cancel", phrases.hostedAbove);
const conflict = (text: string) => new StanzaError("conflict", "cancel", text);

const isAdmin = (affiliation: Affiliation) => affiliation === "owner" || affiliation === "admin";
const level = ({ levels }: RoomFacts, person: Person | undefined): number =>
	levels && person ? levelOf(levels, person) : (levels?.others ?? 0);

/** Returns the requests that a change needs. @throws StanzaError if `by` may not make it. */
export function stepsOf(change: Change, by: Person, facts: RoomFacts): readonly Step[] {
	return "role" in change ? ofRole(change, by, facts) : ofAffiliation(change, by, facts);
}

function ofRole(
	{ target, role, reason }: Change & { role: Role },
	by: Person,
	facts: RoomFacts,
): readonly Step[] {
	const { whom, person, isIn } = target;
	if (roleOf(facts, by) !== "moderator") throw forbidden();
	// XEP-0045 §8.2: only who is there has a role.
	if (!person || !isIn) throw new StanzaError("item-not-found", "cancel", phrases.hostedNoSuchOccupant);
	const now = roleOf(facts, person);
	if (now === role) return [];
	// XEP-0045 §8.2, §8.4 and §9.7: nobody takes a role from people who are as high as they are.
	if (level(facts, person) >= level(facts, by)) throw notAllowed();
	switch (role) {
		case "none":
			return [{ kind: "kick", whom, reason }];
		case "visitor":
			if (isAdmin(affiliationOf(facts, person))) throw notAllowed();
			return [{ kind: "level", whom, level: speakLevel(facts) - 1 }];
		case "participant":
			if (isAdmin(affiliationOf(facts, person))) throw notAllowed();
			return [{ kind: "level", whom, level: ordinary(facts) }];
		case "moderator":
			// XEP-0045 §9.6
			if (!isAdmin(affiliationOf(facts, by))) throw forbidden();
			return [{ kind: "level", whom, level: moderatorLevel(facts) }];
		default:
			return role satisfies never;
	}
}

const speakLevel = ({ levels }: RoomFacts): number => levels?.needed.speak ?? 0;
/** Returns the own level of somebody who may write and no more; undefined where everybody may. */
const ordinary = (facts: RoomFacts): number | undefined =>
	(facts.levels?.others ?? 0) >= speakLevel(facts) ? undefined : speakLevel(facts);
const moderatorLevel = ({ levels }: RoomFacts): number =>
	levels ? Math.min(levels.needed.kick, levels.needed.redact) : admin;

function ofAffiliation(
	{ target, affiliation, reason }: Change & { affiliation: Affiliation },
	by: Person,
	facts: RoomFacts,
): readonly Step[] {
	const { whom, person, isIn } = target;
	const mine = affiliationOf(facts, by);
	if (!isAdmin(mine)) throw forbidden();
	const now = person ? affiliationOf(facts, person) : "none";
	const isSelf = person?.network === by.network && person.id === by.id;
	// XEP-0045 §10: only an owner makes and unmakes owners and admins.
	if (mine !== "owner" && isAdmin(affiliation) && affiliation !== now) throw forbidden();
	if (mine !== "owner" && isAdmin(now) && !isSelf && affiliation !== now) throw notAllowed();
	// XEP-0045 §9.1: nobody bans themselves. §10.3 and §10.4: a room keeps an owner.
	if (affiliation === "outcast" && isSelf) throw conflict(phrases.hostedNoBanOfSelf);
	if (isSelf && now === "owner" && affiliation !== "owner" && !hasOtherOwner(facts, by))
		throw conflict(phrases.hostedLastOwner);
	const demotion: readonly Step[] = isAdmin(now) ? [{ kind: "level", whom, level: ordinary(facts) }] : [];
	/** Nobody outside is known to be banned or not: the source tells. */
	const lifted: readonly Step[] = isIn ? [] : [{ kind: "unban", whom, reason }];
	switch (affiliation) {
		case "outcast":
			return [{ kind: "ban", whom, reason }];
		case "owner":
			return now === "owner" ? [] : [{ kind: "level", whom, level: owner }];
		case "admin":
			return now === "admin" ? [] : [{ kind: "level", whom, level: admin }];
		case "member":
			if (facts.entry === "everybody" && demotion.length === 0)
				throw new StanzaError("feature-not-implemented", "cancel", phrases.hostedNoMembers);
			if (facts.entry === "everybody") return demotion;
			return [...demotion, ...lifted, ...(isIn ? [] : [{ kind: "invite", whom } as const])];
		case "none":
			// XEP-0045 §9.4: who is no member of a room for members only is removed from it.
			if (facts.entry === "invited") return [...demotion, ...lifted, { kind: "kick", whom, reason }];
			return [...demotion, ...lifted];
		default:
			return affiliation satisfies never;
	}
}

const hasOtherOwner = ({ levels }: RoomFacts, by: Person): boolean =>
	[...(levels?.of ?? [])].some(([key, level]) => level >= owner && key !== `${by.network} ${by.id}`);
