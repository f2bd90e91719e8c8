import type { Seen } from "../../core/hosting.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import type { Portal } from "../../core/mapping.ts";
import type { MatrixEvent, ReadContext } from "../event.ts";
import { treatmentOf } from "../event-kinds.ts";
import { fromMatrix, timeOf } from "../from-matrix.ts";
import { copiesIn } from "../message/origin.ts";
import { topicIn } from "./facts.ts";
import { memberChangeIn } from "./member-changes.ts";

/** Returns true if another network shows the room of this portal in full. */
export const isHosted = (portal: Portal | undefined): boolean =>
	portal?.links.some(({ role }) => role === "hosted") ?? false;

/** The state changes that a view shows as such, so that nobody reads of them in words. */
const asFacts: ReadonlySet<string> = new Set(["topic", "name", "picture", "upgrade", "encryption"]);
export const isShownAsFact = (event: MatrixEvent): boolean => asFacts.has(treatmentOf(event));

/** The part of a seen event that every kind has. */
export const frameOf = (event: MatrixEvent, around: Pick<ReadContext, "person">) => ({
	room: event.room_id as RoomId,
	id: event.event_id as MessageId,
	at: timeOf(event),
	sender: around.person(event.sender),
});

/** Returns what a view shows of an event of the timeline, a room's state aside; undefined if it shows nothing. */
export function seenIn(event: MatrixEvent, around: ReadContext): Seen | undefined {
	const frame = frameOf(event, around);
	const as = treatmentOf(event);
	if (as === "membership") {
		const what = memberChangeIn(event, around);
		return what && { ...frame, what };
	}
	if (as === "topic") return { ...frame, what: { kind: "topic", topic: topicIn(event.content) } };
	// The levels are a part of the room, which its view shows by roles.
	if (isShownAsFact(event) || as === "powers") return undefined;
	const said = fromMatrix(event, { ...around, whole: true });
	if (!said) return undefined;
	return {
		...frame,
		sender: said.sender,
		what: { kind: "said", event: said, origin: originOf(event, around) },
	};
}

/** Returns the ids of an event on the network where its author wrote it; none of an event that is no copy of ours. */
export const originOf = ({ sender, content }: MatrixEvent, { isOurs }: Pick<ReadContext, "isOurs">) =>
	isOurs(sender) ? copiesIn(content) : [];
