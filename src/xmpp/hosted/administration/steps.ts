import type { Person } from "../../../core/person.ts";
import * as phrases from "../../phrases.ts";
import type { Standing } from "../presences.ts";
import { affiliationSteps, domainBanSteps } from "./affiliations.ts";
import { type Change, conflict, hasOwnerAfter, type Step } from "./items.ts";
import { roleSteps } from "./roles.ts";

/**
 * The rules of XEP-0045 §8 to §10 about changes of roles and affiliations, as power levels, removals and bans of the source
 * and the record of the room stand for these. Pure.
 */

/** Returns the steps that some changes need. @throws StanzaError if `by` may not make one of them */
export function stepsOf(changes: readonly Change[], by: Person, standing: Standing): readonly Step[] {
	const steps = changes.flatMap((change) => {
		if ("domain" in change) return domainBanSteps(change, by, standing);
		return "role" in change ? roleSteps(change, by, standing) : affiliationSteps(change, by, standing);
	});
	const levels = steps.filter((one) => one.kind === "level");
	if (!hasOwnerAfter(levels, standing.facts)) throw conflict(phrases.hostedLastOwner);
	return steps;
}
