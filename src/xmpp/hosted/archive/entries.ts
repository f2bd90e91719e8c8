import type { Place, Range } from "../../../core/hosting.ts";
import type { MessageId } from "../../../core/ids.ts";

/** The entries of an archive as one reader sees them, and a page of them. Pure. */

/** Bytes of the entries of a page, as XML. A single entry counts whatever its size. */
const bytesMost = 1_048_576;

/** One stanza of an archive as its reader sees it. `bytes`: its size as XML. */
export type Entry = Readonly<{ id: string; at: number; bytes: number }>;

/**
 * An archive as one reader may see it. An event of the source has one place, and becomes an entry for each stanza that shows
 * it: a message with files has several.
 */
export type Archive<E extends Entry> = Readonly<{
	places(range: Range): Promise<Readonly<{ places: readonly Place[]; complete: boolean; total: number }>>;
	find(ids: readonly MessageId[]): Promise<readonly Place[]>;
	/** Resolves with the entries at these places, in their order, without those that the reader may not see. */
	entries(ids: readonly MessageId[]): Promise<readonly E[]>;
	/** Returns the place of an entry, and its number among the entries of this place (from 0). */
	partOf(id: string): Readonly<{ place: MessageId; n: number }>;
	/** True for an entry whose publisher has this JID. */
	isFrom(entry: E, jid: string): boolean;
}>;

export type Page<E> = Readonly<{
	/** The oldest first. */
	entries: readonly E[];
	/** The ids from which the pages before and after this one continue; absent if it has no entries and no end. */
	first?: string;
	last?: string;
	complete: boolean;
	/** The number of all entries that match, which may count some that the reader does not see; absent if it is unknown. */
	count?: number;
}>;

/** Returns the first entries, or the last, as many as a page has room for. */
export function fitting<E extends Entry>(entries: readonly E[], max: number, last: boolean): readonly E[] {
	let [count, bytes] = [0, 0];
	for (const entry of last ? entries.toReversed() : entries) {
		bytes += entry.bytes;
		if (count >= max || (count > 0 && bytes > bytesMost)) break;
		count++;
	}
	return last ? entries.slice(entries.length - count) : entries.slice(0, count);
}

/** Returns the ids from which the pages before and after these entries continue. */
export const ends = <E extends Entry>(entries: readonly E[]): Readonly<{ first?: string; last?: string }> => {
	const [first, last] = [entries[0], entries.at(-1)];
	return first && last ? { first: first.id, last: last.id } : {};
};
