import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { TemporaryError } from "../../core/errors.ts";
import { within } from "../deadline.ts";
import { stanzaId } from "../from-xmpp.ts";
import { domain } from "../jid.ts";
import { delayedBy } from "../message/delay.ts";
import { askedBroken, isBroken, isRefusal, type Page, type Which } from "../muc/archive.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import type { Context } from "./context.ts";
import { cursorOf, keyOf, missingSince, type Read, readFrom, since, wasIn } from "./cursor.ts";
import { beginPage, closeGap, type Gap, heldAtMost, noteArchiveFailure, refuseArchive } from "./gap.ts";
import { takeLine } from "./incoming.ts";
import { noteWasIn } from "./listening.ts";
import { notice } from "./notice.ts";
import { putOut } from "./own-occupants.ts";
import { markSaved, moveTime, noteArchiveEnd, noteComplete, restore } from "./read-position.ts";
import { archiveOf, type Room, readable } from "./room.ts";
import { gone } from "./roster.ts";

/**
 * What was said while we were away: from the archive of the room where it has one, else from what it tells every
 * newcomer. It is passed on before anything that is said meanwhile.
 */

const historyWithin = 10_000;

/** Before the join: what to ask the room for depends on it. The first time all counts since we were asked to join. */
export async function recall(room: Room, context: Context): Promise<void> {
	if (room.position.read) return;
	const known = readFrom(await context.cursor(keyOf(room)));
	if (room.position.read) return;
	const { asked } = room;
	restore(
		room.position,
		known ? { ...known, heard: missingSince(known) } : { at: asked, from: asked, heard: asked },
	);
	if (!known) save(room, context);
	else if (wasIn(known)) noteWasIn(room.listening);
}

function save(room: Room, context: Context): void {
	markSaved(room.position);
	if (room.position.read) context.save(cursorOf(room, room.position.read));
}

/** Passes on what was missed, then what was held back; else it is to be called again, on TemporaryError after a while. */
export async function catchUp(room: Room, context: Context): Promise<void> {
	const { gap } = room.backfill;
	const { read } = room.position;
	if (!gap || !read) return;
	const known = createBoundedMap<string, true>(2 * heldAtMost, {
		bytes: 1_048_576,
		of: (id) => textBytes(id),
	});
	if (readable(room)) {
		if (!(await replay(room, read, gap, known, context))) return;
	} else await within(historyWithin, gap.told).catch(() => undefined);
	gap.end();
	if (room.backfill.gap !== gap) return;
	// A room tells newcomers so many lines and no more.
	const short =
		gap.last !== undefined && !gap.joins && (gap.speakers.size > 0 || gap.held.some((line) => line.said));
	if (!readable(room) && (short || gap.cut)) context.tell([notice(room, phrases.mucGap, context.now())]);
	for (const { stanza, said } of gap.held)
		if (!known.has(stanzaId(stanza, room.jid, true) ?? "")) takeLine(room, stanza, said, context);
	closeGap(room.backfill);
	noteComplete(room.position, context.now().at);
	// Who spoke and went while we were away would stay for ever on the other side.
	context.tell(gone(room, [...gap.speakers.values()], context.now()));
	if (wasIn(room.position.read ?? read)) return;
	moveTime(room.position, Math.max(context.now().at, read.from + 1));
	save(room, context);
}

/** The room keeps from now on what is said. */
export async function archived(room: Room, context: Context): Promise<void> {
	if (!room.position.read || room.position.read.id !== undefined || !readable(room)) return;
	const id = await newest(room, context);
	if (id !== undefined) noteArchiveEnd(room.position, id);
}

async function newest(room: Room, context: Context): Promise<string | undefined> {
	try {
		return (await context.archive.page(archiveOf(room), { before: "" }, 1)).last ?? "";
	} catch (error) {
		if (!isRefusal(error)) throw temporary(error);
		refuseArchive(room.backfill);
		return undefined;
	}
}

/** False where the archive is not for us. */
async function replay(
	room: Room,
	read: Read,
	gap: Gap,
	known: { set(id: string, value: true): void },
	context: Context,
): Promise<boolean> {
	let which: Which = read.id === undefined ? { start: since(read) } : { after: read.id };
	for (let more = true; more && !room.closed; ) {
		// One page in memory at a time, however slow the journal is.
		await context.settled();
		beginPage(gap);
		let page: Page;
		try {
			page = await context.paced(domain(room.jid), () => context.archive.page(archiveOf(room), which));
		} catch (error) {
			// XEP-0313 §4.1.2: the archive does not go back that far any more, or began anew.
			if (error instanceof StanzaError && error.condition === "item-not-found" && "after" in which) {
				context.log.warn(
					{ room: room.jid },
					"the archive does not know the last line we read: asked by time",
				);
				context.tell([notice(room, phrases.mucGap, context.now())]);
				which = { start: since(room.position.read ?? read) };
				continue;
			}
			if (!isRefusal(error) && !(isBroken(error) && noteArchiveFailure(gap) >= askedBroken))
				throw temporary(error);
			refused(room, context);
			return false;
		}
		for (const stanza of page.lines) {
			known.set(stanzaId(stanza, room.jid, true) ?? "", true);
			takeLine(room, stanza, delayedBy(stanza, room.jid), context);
		}
		if (page.last !== undefined) which = { after: page.last };
		more = !page.complete || gap.cut;
	}
	return true;
}

/** Whoever comes in anew is told the history instead. */
function refused(room: Room, context: Context): void {
	context.log.warn({ room: room.jid }, "the archive is not for us: the room's history has to do");
	refuseArchive(room.backfill);
	putOut(room.ours, room.listening.active);
}

const temporary = (error: unknown) =>
	error instanceof StanzaError ? new TemporaryError(error.message, { cause: error }) : error;
