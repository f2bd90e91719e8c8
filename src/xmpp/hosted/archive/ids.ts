import { StanzaError } from "../../stanza-error.ts";
import { type Archive, type Entry, ends, fitting, type Page } from "./entries.ts";
import type { Filter } from "./form.ts";
import type { PageRequest } from "./query.ts";

/**
 * Resolves with the entries of some ids, or a page of them (XEP-0313 §4.1.3).
 * @throws StanzaError item-not-found if the archive lacks one of them; TemporaryError
 */
export async function pageOfIds<E extends Entry>(
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
