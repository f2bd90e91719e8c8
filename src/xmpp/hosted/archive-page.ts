import { TemporaryError } from "../../core/errors.ts";
import type { Place, Range } from "../../core/hosting.ts";
import type { MessageId } from "../../core/ids.ts";
import { StanzaError } from "../stanza-error.ts";
import type { Filter } from "./archive-form.ts";
import type { PageRequest } from "./archive-query.ts";

/** The page of an archive that answers a query (XEP-0313 §4.2, XEP-0059). */

/** The rounds of reading for one page. Each brings as many places as the page lacks entries. */
const roundsMost = 10;
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

const nothing: Page<never> = { entries: [], complete: true, count: 0 };

/**
 * Resolves with a page. `hurry` is asked between the rounds of reading: true ends the page with what it has.
 * @throws StanzaError item-not-found if the archive lacks an id that the query names; TemporaryError
 */
export async function pageOf<E extends Entry>(
	archive: Archive<E>,
	filter: Filter,
	request: PageRequest,
	hurry: () => boolean = () => false,
): Promise<Page<E>> {
	const matches = (entry: E) =>
		(filter.start === undefined || entry.at >= filter.start) &&
		(filter.end === undefined || entry.at <= filter.end) &&
		(filter.with === undefined || archive.isFrom(entry, filter.with));
	if (filter.ids) return pageOfIds(archive, filter.ids, matches, filter, request);
	const bounds = await boundsOf(archive, filter, request);
	if (!bounds) return nothing;
	const { max, last: backwards } = request;
	const times = {
		...(filter.start !== undefined && { start: filter.start }),
		...(filter.end !== undefined && { end: filter.end }),
	};
	// The last places are known without a reading of the source.
	const { total } = await archive.places({ ...times, ...bounds.filter, limit: 0, last: true });
	const count = filter.with === undefined ? { count: total } : {};
	if (max === 0) return { entries: [], complete: total === 0, ...count };

	/** Resolves with places, once the source has been read to where the first ones begin. */
	async function reached(range: Range) {
		for (;;) {
			const found = await archive.places(range);
			if (found.complete || found.places.length > 0) return found;
			if (hurry()) throw new TemporaryError("the archive is still being read");
		}
	}
	const read = async (ids: readonly MessageId[]) =>
		(await archive.entries(ids)).filter((entry) => matches(entry) && bounds.have(entry.id));
	let range = bounds.page;
	const [near, far] = backwards
		? [bounds.page.before, bounds.page.after]
		: [bounds.page.after, bounds.page.before];
	// The page may have some entries of the places at its bounds, and others not.
	let kept = near === undefined ? [] : await read([near]);
	let scanned: Readonly<{ first: string; last: string }> | undefined;
	for (let round = 0; round < roundsMost && !(round > 0 && hurry()); round++) {
		// One more than the page has tells whether the archive goes on.
		const limit = Math.max(1, max + 1 - kept.length);
		const { places, complete } = await reached({ ...times, ...range, limit, last: backwards });
		const beyond = complete && far !== undefined && far !== near ? [far] : [];
		const ids = places.map(({ id }) => id);
		const found = await read(backwards ? [...beyond, ...ids] : [...ids, ...beyond]);
		kept = backwards ? [...found, ...kept] : [...kept, ...found];
		const page = fitting(kept, max, backwards);
		if (page.length < kept.length || complete)
			return { entries: page, ...ends(page), complete: page.length === kept.length, ...count };
		const [first, last] = [places[0]?.id as MessageId, places.at(-1)?.id as MessageId];
		const lastEntry = found.at(-1)?.id;
		const end = lastEntry !== undefined && archive.partOf(lastEntry).place === last ? lastEntry : last;
		scanned = backwards
			? { first, last: scanned?.last ?? end }
			: { first: scanned?.first ?? first, last: end };
		range = backwards ? { ...range, before: first } : { ...range, after: last };
	}
	// The reader sees little of what was read so far: the next page goes on from there, whether it has entries or not.
	return { entries: kept, ...scanned, complete: false, ...count };
}

type Bounds = Readonly<{
	/** The places between which all entries that match lie, and those of the page. */
	filter: Span;
	page: Span;
	/** True for an entry within the bounds of the page. */
	have(entry: string): boolean;
}>;
type Span = Readonly<{ after?: MessageId; before?: MessageId }>;

/** Resolves with the bounds of a page; undefined if nothing can lie between them. */
async function boundsOf<E extends Entry>(
	archive: Archive<E>,
	filter: Filter,
	request: PageRequest,
): Promise<Bounds | undefined> {
	const afters = [filter.after, request.after].filter((id) => id !== undefined);
	const befores = [filter.before, request.before].filter((id) => id !== undefined);
	const place = (id: string) => archive.partOf(id).place;
	const ids = [...new Set([...afters, ...befores].map(place))];
	const found = ids.length > 0 ? (await archive.find(ids)).map(({ id }) => id) : [];
	// XEP-0313 §4.1.3 and §4.3.2
	if (found.length < ids.length) throw new StanzaError("item-not-found", "cancel");
	const order = (one: string, other: string) =>
		found.indexOf(place(one)) - found.indexOf(place(other)) ||
		archive.partOf(one).n - archive.partOf(other).n;
	const after = afters.toSorted(order).at(-1);
	const before = befores.toSorted(order)[0];
	if (after !== undefined && before !== undefined && order(after, before) >= 0) return undefined;
	const span = (from: string | undefined, to: string | undefined): Span => ({
		...(from !== undefined && { after: place(from) }),
		...(to !== undefined && { before: place(to) }),
	});
	const edges = [after, before].filter((id) => id !== undefined);
	return {
		filter: span(filter.after, filter.before),
		page: span(after, before),
		have: (entry) =>
			!edges.some((edge) => place(edge) === place(entry)) ||
			((after === undefined || order(entry, after) > 0) &&
				(before === undefined || order(entry, before) < 0)),
	};
}

/** Resolves with the entries of some ids, or a page of them. */
async function pageOfIds<E extends Entry>(
	archive: Archive<E>,
	ids: readonly string[],
	matches: (entry: E) => boolean,
	filter: Filter,
	{ max, last: backwards, ...page }: PageRequest,
): Promise<Page<E>> {
	const asked = new Set(ids);
	const places = [...new Set(ids.map((id) => archive.partOf(id).place))];
	const known = (await archive.find(places)).map(({ id }) => id);
	// An id may be older than what the bridge has read of the archive, such as that of a message which a line replies to.
	const older = await archive.entries(places.filter((id) => !known.includes(id)));
	const found = [...older.toSorted((one, other) => one.at - other.at), ...(await archive.entries(known))];
	const all = found.filter(({ id }) => asked.has(id));
	const inOrder = all.map(({ id }) => id);
	const named = [filter.after, filter.before, page.after, page.before].filter((id) => id !== undefined);
	// XEP-0313 §4.1.3
	if (all.length < asked.size || named.some((id) => !inOrder.includes(id)))
		throw new StanzaError("item-not-found", "cancel");
	const index = (id: string | undefined, none: number) => (id === undefined ? none : inOrder.indexOf(id));
	const between = (entry: E, after: string | undefined, before: string | undefined) => {
		const at = inOrder.indexOf(entry.id);
		return at > index(after, -1) && at < index(before, all.length);
	};
	const matching = all.filter((entry) => matches(entry) && between(entry, filter.after, filter.before));
	const left = matching.filter((entry) => between(entry, page.after, page.before));
	const entries = fitting(left, max, backwards);
	return { entries, ...ends(entries), complete: entries.length === left.length, count: matching.length };
}

/** Returns the first entries, or the last, as many as a page has room for. */
function fitting<E extends Entry>(entries: readonly E[], max: number, last: boolean): readonly E[] {
	let [count, bytes] = [0, 0];
	for (const entry of last ? entries.toReversed() : entries) {
		bytes += entry.bytes;
		if (count >= max || (count > 0 && bytes > bytesMost)) break;
		count++;
	}
	return last ? entries.slice(entries.length - count) : entries.slice(0, count);
}

const ends = <E extends Entry>(entries: readonly E[]): Readonly<{ first?: string; last?: string }> => {
	const [first, last] = [entries[0], entries.at(-1)];
	return first && last ? { first: first.id, last: last.id } : {};
};
