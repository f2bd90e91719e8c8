import { PermanentError } from "../../core/errors.ts";
import type { BridgeEvent, Redaction } from "../../core/event.ts";
import type { MessageId } from "../../core/ids.ts";
import { moderate as request } from "../message/retractions.ts";
import { pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { asModerator } from "./as-moderator.ts";
import type { Context } from "./context.ts";
import type { OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** Asks the MUC to delete a line of somebody else (XEP-0425). @throws PermanentError with the refusal. */
export async function moderate(
	room: Room,
	ours: OwnOccupant,
	{ reason }: Redaction,
	ids: readonly MessageId[] | undefined,
	context: Context,
): Promise<void> {
	const id = pick(ids, "sid");
	if (!room.features.moderation || id === undefined)
		throw new PermanentError("invalid", phrases.mucCannotDelete(room.jid));
	room.moderated.set(id, true);
	// A line that is not there is deleted already.
	const done = await asModerator(room, ours, (from) => request(from, room.jid, id, reason), context);
	if (done !== "forbidden") return;
	room.moderated.delete(id);
	throw new PermanentError("forbidden", phrases.mucNoDeletion(room.jid));
}

/** Returns false for the MUC's notice of a deletion that we asked it for. */
export const isNews = (room: Room, event: BridgeEvent): boolean =>
	event.kind !== "redaction" || !room.moderated.has(pick([event.target.id], "sid") ?? "");
