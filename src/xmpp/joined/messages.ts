import { errorReply, stanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import { takeAffiliation } from "./affiliation-news.ts";
import type { Context } from "./context.ts";
import { takeLiveLine } from "./incoming.ts";
import { takeDecline, takeInviteError } from "./invite.ts";
import { keepJoined, rediscover } from "./listener.ts";
import { takeRefusal } from "./outbox.ts";
import { takePrivate } from "./private-chats.ts";
import type { Room } from "./room.ts";
import { takeSignals } from "./signals.ts";

/**
 * Takes a message from a MUC: a refusal, a result of its archive, a private message, or a line. Returns the error that
 * answers it, if it needs one.
 */
export function takeMessage(room: Room, stanza: Element, context: Context): Element | undefined {
	const ours = room.ours.byJid.get(stanza.attrs.to ?? "");
	if (stanza.attrs.type === "error") {
		const error = stanzaError(stanza);
		const isKnown = () =>
			(ours !== undefined && takeRefusal(room, ours, stanza, error, context)) ||
			takeInviteError(stanza, context) ||
			(ours !== undefined && context.privateError(stanza));
		if (!isKnown())
			context.log.debug(
				{ room: room.jid, condition: error.condition },
				"ignored an error from the MUC that concerns no line in flight",
			);
		return undefined;
	}
	if (context.archive.takes(stanza)) return undefined;
	if (stanza.attrs.type !== "groupchat" && takeAffiliation(room, stanza, context)) return undefined;
	if (stanza.attrs.type !== "groupchat" && takeDecline(room, stanza, context)) return undefined;
	if (stanza.attrs.type !== "groupchat") return takePrivate(room, ours, stanza, context);
	// XEP-0045 §16.4: this condition makes the MUC put out an occupant that is not there.
	if (!ours) return errorReply(stanza, "cancel", "recipient-unavailable");
	if (ours !== room.listening.active) return undefined;
	takeSignals(room, stanza, context);
	for (const work of takeLiveLine(room, stanza, context)) {
		if (work === "backfill") keepJoined(room, context);
		else
			rediscover(room, context).catch((error: unknown) =>
				context.log.warn({ err: error, room: room.jid }, "the features of the MUC could not be read again"),
			);
	}
	return undefined;
}
