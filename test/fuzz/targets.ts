import type { Target } from "./target.ts";
import { listenerTargets } from "./targets/listeners.ts";
import { matrixTargets } from "./targets/matrix.ts";
import { otherTargets } from "./targets/rest.ts";
import { xmppTargets } from "./targets/xmpp.ts";

/**
 * Every part of the bridge that reads input from strangers, by name. New parts of the bridge must be added here.
 */
export const targets: Readonly<Record<string, Target>> = {
	...xmppTargets,
	...matrixTargets,
	...otherTargets,
	...listenerTargets,
};
