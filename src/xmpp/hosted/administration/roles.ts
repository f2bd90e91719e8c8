import { personKey, type RoomFacts } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import { bare } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { affiliationOf, type Role, roleOf, type Standing } from "../presences.ts";
import {
	admin,
	type Change,
	forbidden,
	isAdmin,
	keep,
	levelIn,
	notAllowed,
	ordinary,
	type Step,
	speakLevel,
} from "./items.ts";

/** Returns the power level of a moderator, which in most rooms of the source is that of an admin. */
const moderatorLevel = ({ levels }: RoomFacts): number =>
	levels ? Math.min(levels.needed.kick, levels.needed.redact) : admin;

/** Returns the steps that a change of a role needs (XEP-0045 §8, §9.6 and §9.7). Pure. @throws StanzaError */
export function roleSteps(
	{ target, role, reason }: Extract<Change, { role: Role }>,
	by: Person,
	standing: Standing,
): readonly Step[] {
	const { person, jid, isIn } = target;
	const { facts } = standing;
	if (roleOf(standing, by) !== "moderator") throw forbidden();
	// XEP-0045 §8.2: only people who are there have a role.
	if (!isIn) throw new StanzaError("item-not-found", "cancel", phrases.hostedNoSuchOccupant);
	const now = roleOf(standing, person);
	if (now === role) return [];
	// XEP-0045 §8.2, §8.4 and §9.7: nobody takes a role from people who are as high as they are.
	if (levelIn(facts, person) >= levelIn(facts, by)) throw notAllowed();
	// XEP-0045 §9.6 and §9.7
	const ofModerator = role === "moderator" || (now === "moderator" && role !== "none");
	if (ofModerator && !isAdmin(affiliationOf(standing, by))) throw forbidden();
	if (role !== "none" && isAdmin(affiliationOf(standing, person))) throw notAllowed();
	const key = personKey(person);
	const level = (value: number | undefined): Step => ({ kind: "level", whom: person, level: value, reason });
	const noModerator: readonly Step[] = standing.record.moderators.has(key)
		? [keep({ list: "moderators", key, value: undefined })]
		: [];
	switch (role) {
		case "none":
			return [
				{ kind: "kick", whom: person, as: "kicked", reason },
				// XEP-0045 §8.2: a kick takes the role alone, and the source takes the membership as well.
				...(facts.made && facts.entry === "invited"
					? [{ kind: "invite", whom: person, reason: undefined } as const]
					: []),
			];
		case "visitor":
			return [level(speakLevel(facts) - 1), ...noModerator];
		case "participant":
			return [level(ordinary(facts)), ...noModerator];
		case "moderator": {
			const value = moderatorLevel(facts);
			if (value >= admin) throw notAllowed(phrases.hostedModeratorsAreAdmins);
			return [level(value), keep({ list: "moderators", key, value: { jid, level: value, by: bare(by.id) } })];
		}
		default:
			return role satisfies never;
	}
}
