import { bare, resource } from "../jid.ts";
import * as muc from "../muc/presence.ts";
import { statusCodes } from "../muc/status-codes.ts";
import { stanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import { announce, type Context } from "./context.ts";
import { rejoin } from "./join.ts";
import { keepJoined } from "./listener.ts";
import { showPicture } from "./muc-picture.ts";
import { noteOutcast } from "./outcasts.ts";
import { isIn } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { handlePresence } from "./roster.ts";
import { handleSelfPresence } from "./self-presence.ts";

/**
 * Takes a presence from a MUC: one of an own occupant changes its stay, one of somebody else the roster, in the active
 * listener's copy alone.
 */
export function takePresence(room: Room, stanza: Element, context: Context): void {
	const ours = room.ours.byJid.get(stanza.attrs.to ?? "");
	if (stanza.attrs.type === "error") {
		ours?.answer?.(stanzaError(stanza));
		return;
	}
	const seen = muc.occupantPresence(stanza);
	if (seen.nick === "") {
		// XEP-0486 §5: the MUC itself names its picture. Each of ours gets a copy.
		if (seen.photo !== undefined) showPicture(room, seen.photo, context);
		return;
	}
	const isOwn =
		seen.codes.has(statusCodes.selfPresence) ||
		(!seen.available && ours && room.ours.byNick.get(seen.nick) === ours);
	if (!ours) {
		// An earlier run left this session behind.
		if (isOwn && seen.available) leaveUnknown(stanza, context);
	} else if (!isOwn) {
		const known = seen.codes.has(statusCodes.banned) && room.roster.others.get(seen.nick);
		if (known && seen.real !== undefined) noteOutcast(room, seen.real, known.person, context);
		if (ours !== room.listening.active) return;
		announce(room, handlePresence(room, seen, context.component, context.now()), context);
		// A new picture often comes with a new vCard.
		if (room.roster.synced && seen.available && seen.photo) context.realNames.meet(room, seen.nick);
	} else if (handleSelfPresence(room, ours, seen, context) === "back") {
		if (ours === room.listening.active) keepJoined(room, context);
		else if (isIn(room.listening.active))
			void context.guard.run("return to a MUC", () => rejoin(room, ours, context));
	}
}

/** Has a session leave the MUC that this run does not know. */
function leaveUnknown(stanza: Element, context: Context): void {
	const { from = "", to: jid = "" } = stanza.attrs;
	context.link
		.send(muc.leave(jid, bare(from), resource(from) ?? ""))
		.catch((error: unknown) => context.log.debug({ err: error }, "an own occupant could not leave the MUC"));
}
