import { PermanentError } from "../../core/errors.ts";
import type { Hosting } from "../../core/hosting.ts";
import type { Aliases } from "../hosted/aliases.ts";
import { nameOf } from "../hosted/queries/room-info.ts";
import { StanzaError } from "../stanza-error.ts";
import { child, type Element, text, xml } from "../stream/xml.ts";

/** Reads a page of the public rooms for the account at `from`. @throws StanzaError above a rate, and as `Hosting.listed` */
export type ReadPage = (
	from: string,
	...page: Parameters<Hosting["listed"]>
) => ReturnType<Hosting["listed"]>;

export const rsm = "http://jabber.org/protocol/rsm";
/** Rooms of a page. */
const most = 100;
/** Pages in a row that are read for one answer while the policy hides all of their rooms. */
const mostHidden = 10;
/** The position behind the last page. Others are those of the source, after a letter. */
const end = "end";
const position = "at ";

/**
 * Returns the function that resolves with the content of disco#items of the service: the public rooms, page by page
 * (XEP-0045 §6.3, XEP-0059). Pages go forwards alone, since the list of the source does. It throws a StanzaError where there
 * is no such page, and a TemporaryError while the source does not answer.
 */
export function createPublicRooms({ listed, aliases }: { listed: ReadPage; aliases: Pick<Aliases, "of"> }) {
	return async (query: Element, from: string): Promise<readonly Element[]> => {
		const { limit, after } = pageOf(child(query, "set", rsm));
		const read = (most: number, position?: string) => listed(from, most, position);
		if (limit === 0 || after === end) {
			const { count } = await read(1);
			return [set(count)];
		}
		let page = await read(limit, after).catch((error: unknown) => {
			// XEP-0059 §2.2: an id that the list does not know.
			if (error instanceof PermanentError) throw new StanzaError("item-not-found", "cancel");
			throw error;
		});
		// A page of rooms that the policy hides is no end of the list, as a client would read it.
		for (let n = 1; n < mostHidden && page.rooms.length === 0 && page.next !== undefined; n++)
			page = await read(limit, page.next);
		const { rooms, next, count } = page;
		const items = rooms.map((facts) => xml("item", { jid: aliases.of(facts), name: nameOf(facts) }));
		const last = next === undefined ? end : position + next;
		return [...items, items[0] ? set(count, items[0].attrs.jid, last) : set(count)];
	};
}

/** Returns the page that a query asks for. @throws StanzaError for a page of another kind than there are */
function pageOf(asked: Element | undefined): Readonly<{ limit: number; after?: string }> {
	// XEP-0059 §2.5 and §2.6: pages backwards, and by an index.
	if (asked && (child(asked, "before") || child(asked, "index")))
		throw new StanzaError("feature-not-implemented", "cancel");
	const wanted = (asked && text(asked, "max")?.trim()) ?? String(most);
	if (!/^\d{1,9}$/.test(wanted)) throw new StanzaError("bad-request", "modify");
	const limit = Math.min(Number(wanted), most);
	const after = asked && text(asked, "after");
	if (!after) return { limit };
	if (after === end) return { limit, after };
	if (!after.startsWith(position)) throw new StanzaError("item-not-found", "cancel");
	return { limit, after: after.slice(position.length) };
}

const set = (count: number, first?: string, last?: string): Element =>
	xml(
		"set",
		{ xmlns: rsm },
		first === undefined ? undefined : xml("first", {}, first),
		last === undefined ? undefined : xml("last", {}, last),
		xml("count", {}, String(count)),
	);
