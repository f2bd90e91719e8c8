import { neutral, StanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import { enter } from "./join.ts";
import { isIn, type OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";

const mayNot: ReadonlySet<string> = new Set(["forbidden", "not-allowed", "not-authorized"]);

/**
 * Sends the MUC a request of a moderator, as their own occupant, or as the listener if only the listener has the right.
 * The other network decides who may moderate there. Resolves with `gone` where what it is about is not there, and with
 * `forbidden` where none of the two has the right. @throws TemporaryError, PermanentError with another refusal.
 */
export async function asModerator(
	room: Room,
	ours: OwnOccupant,
	request: (from: string) => Element,
	context: Context,
): Promise<"done" | "gone" | "forbidden"> {
	// The listener may still do it where this occupant cannot join.
	await enter(room, ours, context).catch(() => undefined);
	for (const one of [ours, room.listener]) {
		if (!isIn(one)) continue;
		try {
			await context.link.iq(request(one.jid));
			return "done";
		} catch (error) {
			if (!(error instanceof StanzaError)) throw error;
			if (error.condition === "item-not-found") return "gone";
			if (!mayNot.has(error.condition)) throw neutral(error);
		}
	}
	return "forbidden";
}
