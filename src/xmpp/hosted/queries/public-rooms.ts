import { PermanentError } from "../../../core/errors.ts";
import { createRateLimit } from "../../../core/limits.ts";
import { domain } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { child, type Element, text, xml } from "../../stream/xml.ts";
import { addressOf } from "../addresses.ts";
import type { HostedContext } from "../context.ts";
import { nameOf } from "./room-info.ts";

export const rsm = "http://jabber.org/protocol/rsm";
/** Rooms of a page. */
const most = 100;
/** Pages in a row that are read for one answer while the policy hides all of their rooms. */
const mostHidden = 10;
/** The position behind the last page. Others are those of the source, after a letter. */
const end = "end";
const position = "at ";

/** Pages that the people of one domain may read: each asks the homeserver. */
const rate = { perMinute: 300, burst: 300 };

/**
 * Returns the function that resolves with the content of disco#items of the service: the public rooms, page by page
 * (XEP-0045 §6.3, XEP-0059). Pages go forwards alone, since the list of the source does. It throws a StanzaError where there
 * is no such page, and a TemporaryError while the source does not answer.
 */
export function createPublicRooms({
	bridge,
	of,
	component,
}: Pick<HostedContext, "bridge" | "of" | "component">) {
	const mayRead = createRateLimit(rate);
	return async (query: Element, from: string): Promise<readonly Element[]> => {
		const { limit, after } = pageOf(child(query, "set", rsm));
		const list = bridge().views.source(of).listed;
		async function read(most: number, position?: string) {
			if (!mayRead(domain(from))) throw new StanzaError("resource-constraint", "wait", phrases.xmppCrowded);
			return list(most, position);
		}
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
		const items = rooms.map((facts) =>
			xml("item", { jid: addressOf(facts, component), name: nameOf(facts) }),
		);
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
