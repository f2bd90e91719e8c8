import { TemporaryError } from "../../../core/errors.ts";
import type { Range } from "../../../core/hosting.ts";
import type { MessageId } from "../../../core/ids.ts";
import { boundsOf } from "./bounds.ts";
import { type Archive, type Entry, ends, fitting, type Page } from "./entries.ts";
import type { Filter } from "./form.ts";
import { pageOfIds } from "./ids.ts";
import type { PageRequest } from "./query.ts";

/** The page of an archive that answers a query (XEP-0313 §4.2, XEP-0059). */

/** The rounds of reading for one page. Each brings as many places as the page lacks entries. */
const roundsMost = 10;
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
