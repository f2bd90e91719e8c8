import { type Element, xml } from "../stream/xml.ts";

export const mucAdmin = "http://jabber.org/protocol/muc#admin";

/** The person of an item of muc#admin, and the role or affiliation that the person gets. */
export type AdminItem = Readonly<
	({ nick: string } | { jid: string }) &
		({ role: "none" | "visitor" | "participant" } | { affiliation: "outcast" | "none" })
>;

/** Returns the request of a moderator or admin of a MUC to change a role or an affiliation (XEP-0045 §8 and §9). */
export const adminRequest = (
	from: string,
	room: string,
	item: AdminItem,
	reason: string | undefined,
): Element =>
	xml(
		"iq",
		{ type: "set", from, to: room },
		xml("query", { xmlns: mucAdmin }, xml("item", item, reason ? xml("reason", {}, reason) : undefined)),
	);
