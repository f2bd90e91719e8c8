import { PermanentError } from "./errors.ts";
import { createRateLimit } from "./limits.ts";
import { createGlob } from "./permissions.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Rules } from "./route.ts";

/** Returns {@link Views.mayMake}: who may make rooms on another network, and how many. */
export function createRoomMaking(deps: {
	rules: Pick<Rules, "create" | "limits">;
	allowed(person: Person): boolean;
}): (by: Person) => boolean {
	const { rules, allowed } = deps;
	const globs = (rules.create ?? []).map(createGlob);
	const mayMake = createRateLimit(rules.limits.createdRooms);
	return (by) => {
		if (globs.length === 0) return false;
		if (!allowed(by)) throw new PermanentError("forbidden", phrases.blocked);
		const matches = [...by.handles, by.domain].some((handle) => globs.some((glob) => glob(handle)));
		if (!matches) throw new PermanentError("forbidden", phrases.mayMakeNoRoom);
		if (!mayMake(by.id)) throw new PermanentError("busy", phrases.tooManyMade);
		return true;
	};
}
