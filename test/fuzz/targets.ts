import type { Target } from "./target.ts";
import { listenerTargets } from "./targets/listeners.ts";
import { matrixTargets } from "./targets/matrix.ts";
import { otherTargets } from "./targets/rest.ts";
import { xmppTargets } from "./targets/xmpp.ts";

/** Everything that takes what strangers send, by name. What is added to the bridge is added here. */
export const targets: Readonly<Record<string, Target>> = {
	...xmppTargets,
	...matrixTargets,
	...otherTargets,
	...listenerTargets,
};
