import { personKey } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import * as phrases from "../../phrases.ts";
import type { Standing } from "../presences.ts";
import { affiliationSteps, domainBanSteps } from "./affiliations.ts";
import { type Change, conflict, owner, type Step } from "./items.ts";
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
	if (!leavesOwner(steps, standing)) throw conflict(phrases.hostedLastOwner);
	return steps;
}

/** Returns true unless the last owner would be one no longer (XEP-0045 §10.4). */
function leavesOwner(steps: readonly Step[], { facts: { levels } }: Standing): boolean {
	const owners = new Set([...(levels?.of ?? [])].flatMap(([key, level]) => (level >= owner ? [key] : [])));
	const before = owners.size;
	for (const one of steps) {
		if (one.kind !== "level") continue;
		if ((one.level ?? 0) >= owner) owners.add(personKey(one.whom));
		else owners.delete(personKey(one.whom));
	}
	return before === 0 || owners.size > 0;
}
