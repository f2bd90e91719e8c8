import type { MessageId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { endBar } from "./bars.ts";
import type { Context } from "./context.ts";
import { leave } from "./join.ts";
import { edit, redact } from "./message-actions.ts";
import { carryOut } from "./moderation.ts";
import { come, renameInTurn, say } from "./outbox.ts";
import type { OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { inTurn } from "./send-queue.ts";
import { setSubject, setsTopic } from "./set-subject.ts";

/**
 * Sends an event of the person behind `ours` into a MUC. Resolves with the ids that a message or edit has there.
 * @throws TemporaryError while it is unsent or in doubt, PermanentError with the MUC's refusal.
 */
export async function sendEvent(
	room: Room,
	ours: OwnOccupant,
	out: Outbound,
	context: Context,
): Promise<readonly MessageId[]> {
	const { event } = out;
	switch (event.kind) {
		case "message":
			return setsTopic(event)
				? setSubject(room, ours, out, event, context)
				: say(room, ours, out, event, context);
		case "edit":
			return edit(room, ours, out, event, context);
		case "redaction":
			await redact(room, ours, out, event, context);
			return [];
		case "reaction":
			await say(room, ours, out, event, context);
			return [];
		case "membership":
			if (event.change === "join") await come(room, ours, context);
			else {
				endBar(room, ours, context);
				await inTurn(room.sendQueue, () => leave(room, ours, context));
			}
			return [];
		case "moderation":
			await carryOut(room, ours, event, context);
			return [];
		case "profile":
			await renameInTurn(room, ours, context);
			return [];
		case "state":
		case "poll":
		case "vote":
		case "poll-end":
			// Core replaces these by text, as the capabilities ask.
			return [];
		default:
			return event satisfies never;
	}
}
