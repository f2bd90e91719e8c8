import { isProgrammingError } from "../../core/errors.ts";
import { SetAside } from "../../core/guard.ts";
import { fromGroupchat, occupantIdIn, roomItself, stanzaId } from "../from-xmpp.ts";
import { resource } from "../jid.ts";
import { delayedBy } from "../message/delay.ts";
import { threadOf } from "../message/threads.ts";
import { statusCodes, statusCodesOf } from "../muc/status-codes.ts";
import { stanzaItem } from "../stanza-item.ts";
import { child, type Element } from "../stream/xml.ts";
import { announce, type Context } from "./context.ts";
import { cursorOf, isOld, missingSince } from "./cursor.ts";
import { beginCutGap, heldAlready, hold, noteBackfilled } from "./gap.ts";
import { endHistory, noteHeard } from "./listening.ts";
import { isNews } from "./moderate.ts";
import { confirmOwnLine } from "./own-lines.ts";
import { hears } from "./own-occupants.ts";
import { hasIds, readContext } from "./participants.ts";
import { advance, markSaved, noteLastEvent } from "./read-position.ts";
import { type Room, readable } from "./room.ts";
import { release, speaker } from "./roster.ts";
import { takeOwnSubject, takeStandingSubject } from "./subject.ts";

/** Lines of a MUC, in the active listener's copy: our own are confirmed, those of others handed on, each once and in order. */

/** Work that a line makes necessary: the settings of the MUC changed, or lines have to be fetched from its archive. */
export type FollowUp = "discover" | "backfill";

/** Takes a line that the active listener just received. Returns the work that has to follow. */
export function takeLiveLine(room: Room, stanza: Element, context: Context): readonly FollowUp[] {
	const { at } = context.now();
	noteHeard(room.listening, at);
	const subject = child(stanza, "subject") && !child(stanza, "body");
	const said = room.listening.inHistory && !subject ? delayedBy(stanza, room.jid) : undefined;
	// The history is for a newcomer. It is news for us only where we were in the MUC before, and it has no archive.
	if (said !== undefined) {
		if (!room.backfill.gap || !room.position.read || readable(room) || isOld(room.position.read, said))
			return [];
		if (!heldAlready(room.backfill.gap, stanza, said)) takeLine(room, stanza, said, context);
		return [];
	}
	// XEP-0045 §7.2.15: the subject ends the history. Later anybody can write a delay, and not every MUC removes it.
	if (room.listening.inHistory) {
		endHistory(room.listening);
		room.backfill.gap?.end();
		if (subject) {
			takeStandingSubject(room, stanza, context);
			return [];
		}
	}
	const mine = takeOwnSubject(room, stanza, context) || confirmOwnLine(room, stanza, false, context);
	// This line is for an occupant that an earlier run left in the MUC. The backfill brings it again after the join.
	if (!hears(room.listening.active) && !room.backfill.gap) return [];
	if (mine) {
		if (!room.backfill.gap) noteRead(room, stanza, undefined, context);
		return [];
	}
	const changed: readonly FollowUp[] = isSettingsChange(stanza) ? ["discover"] : [];
	if (room.backfill.gap) hold(room.backfill.gap, stanza, readable(room));
	else if (readable(room) && context.crowded()) {
		beginCutGap(room.backfill, room.position.read?.last);
		return [...changed, "backfill"];
	} else takeLine(room, stanza, undefined, context);
	return changed;
}

/**
 * Takes one line; `said` is when, ms since 1970, for a line of the archive or the history. A line that a fault of our
 * own, or the quarantine, leaves out counts as read.
 */
export function takeLine(room: Room, stanza: Element, said: number | undefined, context: Context): void {
	try {
		context.guard.handle(stanzaItem(stanza), () => translate(room, stanza, said, context));
	} catch (error) {
		if (!isProgrammingError(error) && !(error instanceof SetAside)) throw error;
		const { from, id } = stanza.attrs;
		// The guard has logged what it set aside.
		if (!(error instanceof SetAside))
			context.log.error(
				{ err: error, from, id },
				"a message is skipped because of a fault in the bridge; please report it",
			);
		noteRead(room, stanza, said, context);
	}
}

function translate(room: Room, stanza: Element, said: number | undefined, context: Context): void {
	const now = context.now();
	const nick = resource(stanza.attrs.from ?? "");
	if (said !== undefined && confirmOwnLine(room, stanza, true, context)) {
		noteRead(room, stanza, said, context);
		return;
	}
	if (nick !== undefined && said === undefined) {
		announce(room, release(room, context.component, now, nick), context);
		context.realNames.meet(room, nick);
	}
	const sender =
		nick === undefined ? roomItself(room.jid, room.features.name) : speaker(room, nick, occupantIdIn(stanza));
	const { stanzaIds } = room.features;
	const at = said ?? now.at;
	// The holder of the nick now need not be its holder at the time of an old line.
	const place = readContext(
		room,
		nick === undefined ? undefined : sender,
		said === undefined ? nick : undefined,
	);
	const event = fromGroupchat(stanza, {
		room: room.jid,
		sender,
		stanzaIds,
		now: at,
		said: said !== undefined,
		place,
	});
	const thread = threadOf(stanza);
	if (thread) room.threads.set(thread, true);
	const since = said === undefined || !room.position.read ? undefined : missingSince(room.position.read);
	noteRead(room, stanza, said, context);
	if (!event || !room.position.read || !isNews(room, event)) return;
	if (!readable(room)) noteLastEvent(room.position, event.id);
	const backfilled = said !== undefined && nick !== undefined;
	if (room.backfill.gap) noteBackfilled(room.backfill.gap, event.id, backfilled ? sender : undefined);
	context.tell([
		{ ...event, cursor: cursorOf(room, room.position.read), ...(since !== undefined && { since }) },
	]);
	markSaved(room.position);
}

/** Advances the read position to this line. */
function noteRead(room: Room, stanza: Element, said: number | undefined, context: Context): void {
	const now = context.now().at;
	const at = said ?? now;
	const heard = said === undefined && !room.backfill.gap ? now : undefined;
	advance(room.position, at, stanzaId(stanza, room.jid, hasIds(room)), heard);
}

const settingsChanged = [
	statusCodes.configurationChanged,
	statusCodes.loggingEnabled,
	statusCodes.loggingDisabled,
] as const;
/** XEP-0045 §10.2.1: the settings of the MUC changed, or its archiving went on or off. */
function isSettingsChange(stanza: Element): boolean {
	if (resource(stanza.attrs.from ?? "") !== undefined) return false;
	const codes = statusCodesOf(stanza);
	return settingsChanged.some((code) => codes.has(code));
}
