import type { MessageId, UserId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { stanzaMemory } from "../stanza-memory.ts";
import type { Element } from "../stream/xml.ts";
import { type Room, readable } from "./room.ts";

/** Lines held while a backfill runs. Lines past that are dropped, and fetched from the archive. */
export const heldAtMost = 1_000;
/** Bytes that the held lines of one MUC take in memory, as trees. */
const heldBytesAtMost = 8 * 1_048_576;
/** Senders of backfilled lines that are noted, as they may have left. Past that some stay members until the next start. */
const speakersAtMost = 5_000;

/** A stretch of lines that the listener did not hear, and that a backfill fetches. */
export type Gap = {
	/** Lines said meanwhile; `said` is when, ms since 1970, where that was long ago. */
	held: { stanza: Element; said?: number; bytes: number }[];
	/** Bytes that `held` takes in memory. */
	heldBytes: number;
	/** More lines were said than are held. The archive, if there is one, has them. */
	cut: boolean;
	/** Resolves once the MUC has told its history to us as a newcomer; `end` resolves it. */
	told: Promise<void>;
	end(): void;
	/** The last line that was read before, and whether it was among the history that the MUC told. */
	last: MessageId | undefined;
	joins: boolean;
	/** How often the archive failed with an internal error. */
	failures: number;
	/** The senders of the backfilled lines. */
	speakers: Map<UserId, Person>;
};

/** Opens a gap: lines are, or may be, missed from here on, and are held until the backfill is through. */
export function beginGap(room: Room): Gap {
	const { promise, resolve } = Promise.withResolvers<void>();
	const last = room.read?.last;
	// Without an archive no line can be fetched again: lines held at a failed attempt to join are kept for the next.
	const kept = (!readable(room) && room.gap) || { held: [], heldBytes: 0, cut: false };
	const { held, heldBytes, cut } = kept;
	room.gap = {
		held,
		heldBytes,
		cut,
		told: promise,
		end: resolve,
		last,
		joins: false,
		failures: 0,
		speakers: new Map(),
	};
	return room.gap;
}

/**
 * Holds a line until the backfill is through. With an archive, a line that does not fit is dropped together with all
 * held ones, and fetched later. Without one the wait for the history ends, and the oldest held lines go.
 */
export function hold(gap: Gap, stanza: Element, archived: boolean): void {
	const bytes = stanzaMemory(stanza);
	const full = gap.held.length >= heldAtMost || gap.heldBytes + bytes > heldBytesAtMost;
	if (archived && (full || gap.cut)) {
		dropHeld(gap);
		return;
	}
	if (full) gap.end();
	const fits = () => gap.held.length < 2 * heldAtMost && gap.heldBytes + bytes <= heldBytesAtMost;
	while (gap.held.length > 0 && !fits()) {
		gap.heldBytes -= gap.held.shift()?.bytes ?? 0;
		gap.cut = true;
	}
	if (!fits()) {
		gap.cut = true;
		return;
	}
	gap.held.push({ stanza, bytes });
	gap.heldBytes += bytes;
}

/** Drops all held lines: the next page of the archive has them. */
export function dropHeld(gap: Gap): void {
	gap.cut = true;
	gap.held = [];
	gap.heldBytes = 0;
}

/** Notes the sender of a backfilled line. */
export function noteSpeaker(gap: Gap, sender: Person): void {
	if (gap.speakers.size < speakersAtMost || gap.speakers.has(sender.id)) gap.speakers.set(sender.id, sender);
}

/** Returns true for a line of the history that is held already, as one of our older occupants got it; the line is dated. */
export function heldAlready(gap: Gap, stanza: Element, said: number): boolean {
	const { from, id } = stanza.attrs;
	const same = ({ attrs }: Element) => id !== undefined && attrs.id === id && attrs.from === from;
	const line = gap.held.find((one) => one.said === undefined && same(one.stanza));
	if (line) line.said = said;
	return line !== undefined;
}
