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
 * Backfill: reads the lines that the MUC sent while no listener was in it, from its archive, or else from the history of
 * a join. They are handed on before any newer line.
 */

/** Time, in ms, that a MUC without an archive has to tell its history. */
const historyWithin = 10_000;

/** Lines from before the portal that the portal begins with. */
const earlierAtMost = 50;
/** The time of the position of a MUC of which nothing was read, and whose earlier lines are wanted. */
const beforeAll = 0;

/**
 * Restores the read position of an earlier run, which the join needs: it asks the MUC for the history since then. A link
 * without one is read from the time when it was made.
 */
export async function restorePosition(room: Room, context: Context): Promise<void> {
	if (room.position.read) return;
	const known = readFrom(await context.cursor(keyOf(room)));
	if (room.position.read) return;
	const { asked, earlier } = room;
	const first = earlier ? beforeAll : asked;
	restore(
		room.position,
		known ? { ...known, heard: missingSince(known) } : { at: first, from: first, heard: asked },
	);
	if (!known) save(room, context);
	else if (wasIn(known)) noteWasIn(room.listening);
}

function save(room: Room, context: Context): void {
	markSaved(room.position);
	if (room.position.read) context.save(cursorOf(room, room.position.read));
}

/**
 * Hands on the missed lines, then the held ones, and closes the gap. If the gap is still open afterwards, the caller
 * calls again. @throws TemporaryError while the archive is out of reach.
 */
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
	// The history that a MUC tells is limited: it may begin behind the last line that was read.
	const short =
		gap.last !== undefined && !gap.joins && (gap.speakers.size > 0 || gap.held.some((line) => line.said));
	if (!readable(room) && (short || gap.cut)) context.tell([notice(room, phrases.mucGap, context.now())]);
	for (const { stanza, said } of gap.held)
		if (!known.has(stanzaId(stanza, room.jid, true) ?? "")) takeLine(room, stanza, said, context);
	closeGap(room.backfill);
	noteComplete(room.position, context.now().at);
	// The portal gets leaves for the senders who left meanwhile: no presence will ever say so.
	context.tell(gone(room, [...gap.speakers.values()], context.now()));
	if (wasIn(room.position.read ?? read)) return;
	moveTime(room.position, Math.max(context.now().at, read.from + 1));
	save(room, context);
}

/** Begins to read by the archive, if the MUC has one since its settings changed: lines count from its newest one. */
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

/** Hands on the lines of the archive since `read`, page by page. Returns false where the MUC refuses us its archive. */
async function replay(
	room: Room,
	read: Read,
	gap: Gap,
	known: { set(id: string, value: true): void },
	context: Context,
): Promise<boolean> {
	const fromTime = ({ at, from }: Read) => (at === beforeAll ? undefined : { start: since({ at, from }) });
	let which: Which | undefined = read.id === undefined ? fromTime(read) : { after: read.id };
	for (let more = true; more && !room.closed; ) {
		// Back-pressure: one page is in memory at a time, however slow the journal is.
		await context.settled();
		beginPage(gap);
		let page: Page;
		try {
			const begin: Which = which ?? (await earlierLines(room, context));
			which = begin;
			page = await context.paced(domain(room.jid), () => context.archive.page(archiveOf(room), begin));
		} catch (error) {
			// XEP-0313 §4.1.2: the archive has expired the line, or was emptied.
			if (error instanceof StanzaError && error.condition === "item-not-found" && which && "after" in which) {
				context.log.warn(
					{ room: room.jid },
					"the archive does not know the cursor's line any more; the backfill begins at its time",
				);
				context.tell([notice(room, phrases.mucGap, context.now())]);
				which = fromTime(room.position.read ?? read);
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

/** Resolves with the place in the archive behind which the lines are that the portal begins with. */
async function earlierLines(room: Room, context: Context): Promise<Which> {
	let before = "";
	let wanted = earlierAtMost + 1;
	for (let pages = 0; pages < earlierAtMost; pages++) {
		const page = await context.archive.page(archiveOf(room), { before }, wanted);
		if (page.complete || page.first === undefined) return { after: "" };
		before = page.first;
		wanted -= page.lines.length;
		if (wanted <= 0) break;
	}
	return { after: before };
}

/** Falls back to the history: the active listener joins again, as the MUC tells it to newcomers alone. */
function refused(room: Room, context: Context): void {
	context.log.warn(
		{ room: room.jid },
		"the MUC refuses its archive; the backfill uses the history for newcomers",
	);
	refuseArchive(room.backfill);
	putOut(room.ours, room.listening.active);
}

const temporary = (error: unknown) =>
	error instanceof StanzaError ? new TemporaryError(error.message, { cause: error }) : error;
