import type { Reason } from "../../core/errors.ts";
import type { ErrorType } from "../stanza-error.ts";

/**
 * The stanza error for each reason of core. XEP-0045 §16.4: a MUC puts out an occupant that answers with item-not-found,
 * recipient-unavailable, service-unavailable or remote-server-timeout, so none of them stands here.
 */
const conditions = {
	forbidden: ["auth", "forbidden"],
	"not-found": ["cancel", "not-acceptable"],
	invalid: ["modify", "not-acceptable"],
	busy: ["wait", "resource-constraint"],
	failed: ["cancel", "not-acceptable"],
	expired: ["wait", "resource-constraint"],
} as const satisfies Record<Reason, readonly [ErrorType, string]>;

export const conditionOf = (reason: Reason): readonly [ErrorType, string] => conditions[reason];
