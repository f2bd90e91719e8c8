import { archiveTooManyIds } from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { child, type Element, text } from "../../stream/xml.ts";
import { count, type Filter, filterOf } from "./form.ts";

/** A query for an archive (XEP-0313 §4) with its page (XEP-0059). Pure. */

export const rsm = "http://jabber.org/protocol/rsm";
/** Entries of a page: of a query that names no number, and at most. */
export const pageDefault = 50;
export const pageMost = 100;

export type ArchiveQuery = Readonly<{
	/** The mark of the client for the results. */
	queryid?: string;
	filter: Filter;
	page: PageRequest;
	/** The results of the page go out the newest first. */
	flip: boolean;
}>;

/** The part of the matching entries to answer with: up to `max`, the first ones or the last, after or before an id (exclusive). */
export type PageRequest = Readonly<{ max: number; last: boolean; after?: string; before?: string }>;

/** Returns the query of an IQ. @throws StanzaError for a query that the archive does not answer */
export function archiveQuery(query: Element): ArchiveQuery {
	const { queryid, node } = query.attrs;
	// XEP-0313 §5.1.3: nodes are those of pubsub archives.
	if (node !== undefined) throw new StanzaError("item-not-found", "cancel");
	const filter = filterOf(query);
	if (filter.ids && filter.ids.length > pageMost)
		throw new StanzaError("not-acceptable", "modify", archiveTooManyIds(pageMost));
	return {
		...(queryid !== undefined && { queryid }),
		filter,
		page: pageRequest(child(query, "set", rsm)),
		flip: child(query, "flip-page") !== undefined,
	};
}

function pageRequest(set: Element | undefined): PageRequest {
	if (!set) return { max: pageDefault, last: false };
	// XEP-0059 §2.6: pages by their index are optional.
	if (child(set, "index")) throw new StanzaError("feature-not-implemented", "cancel");
	const [after, before] = [text(set, "after"), text(set, "before")];
	return {
		max: Math.min(count(set, "max") ?? pageDefault, pageMost),
		// XEP-0059 §2.5: an empty `before` asks for the last page.
		last: before !== undefined,
		...(after && { after }),
		...(before && { before }),
	};
}
