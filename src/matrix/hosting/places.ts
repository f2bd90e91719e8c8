import type { Seen } from "../../core/hosting.ts";
import type { MessageId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { asObject, isEvent, type MatrixEvent, type ReadContext, text } from "../event.ts";
import { treatmentOf } from "../event-kinds.ts";
import { timeOf } from "../from-matrix.ts";
import { isHappening, type Treatment } from "../treatments.ts";
import { frameOf, isShownAsFact, originOf } from "./timeline.ts";

/** The events whose place stays in an archive when they are deleted: people read that there was a message. */
const said: ReadonlySet<Treatment> = new Set(["message", "sticker", "poll", "fallback"]);
const never: ReadonlySet<Treatment> = new Set(["membership", "powers", "dropped", "encrypted", "ringing"]);

/** Returns the event that has redacted this one; undefined if none has. // Matrix spec, "Redactions" */
export function redactionOf({ unsigned }: MatrixEvent): MatrixEvent | undefined {
	const because: unknown = asObject(unsigned).redacted_because;
	return isEvent(because) ? because : undefined;
}

/** Returns true for an event that has a place in an archive, as far as the event alone tells. */
export function isPlace(event: MatrixEvent): boolean {
	const as = treatmentOf(event);
	if (redactionOf(event)) return said.has(as);
	if (never.has(as) || isShownAsFact(event)) return false;
	return as !== "fallback" || isHappening(as) || text(event.content.body) !== "";
}

/** Returns a deleted message, of which an archive keeps the place only. */
export function deletedIn(
	event: MatrixEvent,
	because: MatrixEvent,
	by: Person,
	around: Pick<ReadContext, "person" | "isOurs">,
): Seen {
	const reason = text(because.content.reason);
	return {
		...frameOf(event, around),
		what: {
			kind: "deleted",
			by,
			at: timeOf(because),
			...(reason && { reason }),
			origin: originOf(event, around),
			deletion: { id: because.event_id as MessageId, origin: originOf(because, around) },
		},
	};
}
