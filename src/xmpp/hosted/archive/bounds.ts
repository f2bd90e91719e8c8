import type { MessageId } from "../../../core/ids.ts";
import { StanzaError } from "../../stanza-error.ts";
import type { Archive, Entry } from "./entries.ts";
import type { Filter } from "./form.ts";
import type { PageRequest } from "./query.ts";

/** The ids between which a page of an archive lies. */
export type Bounds = Readonly<{
	/** The places between which all entries that match lie, and those of the page. */
	filter: Span;
	page: Span;
	/** True for an entry within the bounds of the page. */
	have(entry: string): boolean;
}>;
type Span = Readonly<{ after?: MessageId; before?: MessageId }>;

/** Resolves with the bounds of a page; undefined if nothing can lie between them. */
export async function boundsOf<E extends Entry>(
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
