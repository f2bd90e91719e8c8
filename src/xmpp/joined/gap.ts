import type { MessageId, UserId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { isSameLine } from "../made-up-ids.ts";
import { stanzaMemory } from "../stanza-memory.ts";
import type { Element } from "../stream/xml.ts";

/** Lines held while a backfill runs. Lines past that are dropped, and fetched from the archive. */
export const heldAtMost = 1_000;
/** Bytes that the held lines of one MUC take in memory, as trees. */
const heldBytesAtMost = 8 * 1_048_576;
/** Senders of backfilled lines that are noted, as they may have left. Past that some stay members until the next start. */
const speakersAtMost = 5_000;

type State = {
	/** Lines said meanwhile; `said` is when, ms since 1970, where that was long ago. */
	held: { stanza: Element; said?: number; bytes: number }[];
	/** Bytes that `held` takes in memory. */
	heldBytes: number;
	/** More lines were said than are held. The archive, if there is one, has them. */
	cut: boolean;
	/** Resolves once the MUC has told its history to us as a newcomer; `end` resolves it. */
	readonly told: Promise<void>;
	end(): void;
	/** The last line that was read before, and whether it was among the history that the MUC told. */
	readonly last: MessageId | undefined;
	joins: boolean;
	/** How often the archive failed with an internal error. */
	failures: number;
	/** The senders of the backfilled lines. */
	readonly speakers: Map<UserId, Person>;
};

/** A stretch of lines that the listener did not hear, and that a backfill fetches. This file alone changes it. */
export type Gap = Readonly<
	Omit<State, "held" | "speakers"> & {
		held: readonly Readonly<State["held"][number]>[];
		speakers: ReadonlyMap<UserId, Person>;
	}
>;

type BackfillState = {
	/** Open while lines are missing; without one, lines are handed on as they come. */
	gap: State | undefined;
	/** The MUC has an archive, but refuses it to us. */
	archiveRefused: boolean;
};

/** The state of one MUC's backfill. This file alone changes it. */
export type Backfill = Readonly<{ gap: Gap | undefined; archiveRefused: boolean }>;

export const createBackfill = (): Backfill => ({ gap: undefined, archiveRefused: false });

const stateOf = (gap: Gap) => gap as State;

/**
 * Opens a gap behind the event `last`: lines are, or may be, missed from here on, and are held until the backfill is
 * through. Without an archive no line can be fetched again, so lines held at a failed attempt to join are kept.
 */
export function beginGap(backfill: Backfill, last: MessageId | undefined, archived: boolean): Gap {
	const { promise, resolve } = Promise.withResolvers<void>();
	const state = backfill as BackfillState;
	const { held, heldBytes, cut } = (!archived && state.gap) || { held: [], heldBytes: 0, cut: false };
	state.gap = {
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
	return state.gap;
}

/** Opens a gap for lines that the journal has no place for now: they are read from the archive later. */
export function beginCutGap(backfill: Backfill, last: MessageId | undefined): void {
	stateOf(beginGap(backfill, last, true)).cut = true;
}

/** Closes the gap: the backfill is through. */
export function closeGap(backfill: Backfill): void {
	(backfill as BackfillState).gap = undefined;
}

/** Notes that the MUC refuses its archive: the backfill uses the history that the MUC sends to newcomers. */
export function refuseArchive(backfill: Backfill): void {
	(backfill as BackfillState).archiveRefused = true;
}

/** Forgets the gap, and the refusal of the archive, which may only have been unable to answer. The link broke. */
export function resetBackfill(backfill: Backfill): void {
	const state = backfill as BackfillState;
	state.gap = undefined;
	state.archiveRefused = false;
}

/**
 * Holds a line until the backfill is through. With an archive, a line that does not fit is dropped together with all
 * held ones, and fetched later. Without one the wait for the history ends, and the oldest held lines go.
 */
export function hold(open: Gap, stanza: Element, archived: boolean): void {
	const gap = stateOf(open);
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

/** Drops all held lines: the archive has them. */
function dropHeld(gap: State): void {
	gap.cut = true;
	gap.held = [];
	gap.heldBytes = 0;
}

/** Prepares for the next page of the archive, which has the lines that were dropped. */
export function beginPage(gap: Gap): void {
	if (gap.cut) dropHeld(stateOf(gap));
	stateOf(gap).cut = false;
}

/** Notes that the archive failed with an internal error. Returns how often it has in this gap. */
export const noteArchiveFailure = (gap: Gap): number => ++stateOf(gap).failures;

/** Notes a backfilled event and its sender; undefined for the MUC itself, and for a line that was just said. */
export function noteBackfilled(gap: Gap, event: MessageId, sender: Person | undefined): void {
	const state = stateOf(gap);
	if (gap.last !== undefined && isSameLine(event, gap.last)) state.joins = true;
	if (sender && (gap.speakers.size < speakersAtMost || gap.speakers.has(sender.id)))
		state.speakers.set(sender.id, sender);
}

/** Returns true for a line of the history that is held already, as one of our older occupants got it; the line is dated. */
export function heldAlready(gap: Gap, stanza: Element, said: number): boolean {
	const { from, id } = stanza.attrs;
	const same = ({ attrs }: Element) => id !== undefined && attrs.id === id && attrs.from === from;
	const line = stateOf(gap).held.find((one) => one.said === undefined && same(one.stanza));
	if (line) line.said = said;
	return line !== undefined;
}
