import { PermanentError } from "./errors.ts";
import type { Views } from "./hosting.ts";
import { createRateLimit } from "./limits.ts";
import { createGlob } from "./permissions.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Rules } from "./route.ts";

/** Returns `makesRooms` and `mayMake` of {@link Views}: who may make rooms on another network, and how many. */
export function createRoomMaking(deps: {
	rules: Pick<Rules, "create" | "limits">;
	allowed(person: Person): boolean;
}): Pick<Views, "makesRooms" | "mayMake"> {
	const { rules, allowed } = deps;
	const globs = (rules.create ?? []).map(createGlob);
	const mayMake = createRateLimit(rules.limits.createdRooms);
	const isNamed = (by: Person) =>
		[...by.handles, by.domain].some((handle) => globs.some((glob) => glob(handle)));
	return {
		makesRooms: (by) => isNamed(by) && allowed(by),
		mayMake(by) {
			if (globs.length === 0) return false;
			if (!allowed(by)) throw new PermanentError("forbidden", phrases.blocked);
			if (!isNamed(by)) throw new PermanentError("forbidden", phrases.mayMakeNoRoom);
			if (!mayMake(by.id)) throw new PermanentError("busy", phrases.tooManyMade);
			return true;
		},
	};
}
