import { PermanentError } from "../../core/errors.ts";
import type { BridgeEvent, Redaction } from "../../core/event.ts";
import type { MessageId } from "../../core/ids.ts";
import { moderate as request } from "../message/retractions.ts";
import { pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { neutral, StanzaError } from "../stanza-error.ts";
import type { Context } from "./context.ts";
import { enter } from "./join.ts";
import { isIn, type OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";

const mayNot: ReadonlySet<string> = new Set(["forbidden", "not-allowed", "not-authorized"]);

/**
 * Asks the MUC to delete a line of somebody else (XEP-0425), as the moderator's own occupant, or as the listener if
 * only the listener has the right. The other network decides who may moderate there. @throws PermanentError with the refusal.
 */
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
	// The listener may still do it where this occupant cannot join.
	await enter(room, ours, context).catch(() => undefined);
	for (const one of [ours, room.listener]) {
		if (!isIn(one)) continue;
		try {
			await context.link.iq(request(one.jid, room.jid, id, reason));
			return;
		} catch (error) {
			if (!(error instanceof StanzaError)) throw error;
			// The line is deleted already.
			if (error.condition === "item-not-found") return;
			if (!mayNot.has(error.condition)) throw neutral(error);
		}
	}
	room.moderated.delete(id);
	throw new PermanentError("forbidden", phrases.mucNoDeletion(room.jid));
}

/** Returns false for the MUC's notice of a deletion that we asked it for. */
export const isNews = (room: Room, event: BridgeEvent): boolean =>
	event.kind !== "redaction" || !room.moderated.has(pick([event.target.id], "sid") ?? "");
