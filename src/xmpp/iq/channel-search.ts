import type { FoundRoom } from "../finding/room-search.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import { child, type Element, text, xml } from "../stream/xml.ts";
import type { Query } from "./query.ts";

const ns = "urn:xmpp:channel-search:0:search";
const params = "urn:xmpp:channel-search:0:search-params";
const errors = "urn:xmpp:channel-search:0:error";
const data = "jabber:x:data";
const rsm = "http://jabber.org/protocol/rsm";
const muc = "xep-0045";

/** Rooms of a page, words of a search, and characters of it. */
const [mostOfPage, mostWords, longest] = [50, 10, 200];

/** A way to order rooms: `compare` sorts them, `place` is the position behind a room, and `at` reads it as a room. */
type Order = Readonly<{
	compare(one: Placed, other: Placed): number;
	place(room: Placed): string;
	at(place: string): Placed | undefined;
}>;
type Placed = Pick<FoundRoom, "jid" | "users">;

const byAddress = (one: Placed, other: Placed) => (one.jid < other.jid ? -1 : one.jid > other.jid ? 1 : 0);
const orders: ReadonlyMap<string, Order> = new Map([
	[
		"{urn:xmpp:channel-search:0:order}nusers",
		{
			compare: (one, other) => other.users - one.users || byAddress(one, other),
			place: ({ users, jid }) => `${users} ${jid}`,
			at(place) {
				const [, users, jid] = /^(\d{1,9}) (.+)$/s.exec(place) ?? [];
				return users !== undefined && jid !== undefined ? { users: Number(users), jid } : undefined;
			},
		},
	],
	[
		"{urn:xmpp:channel-search:0:order}address",
		{ compare: byAddress, place: ({ jid }) => jid, at: (jid) => ({ jid, users: 0 }) },
	],
]);
const usual = "{urn:xmpp:channel-search:0:order}nusers";

/** The parts of a room that keywords are searched in, by the field that turns each on. */
const places = [
	["sinname", "name", phrases.searchInNames],
	["sindescription", "description", phrases.searchInDescriptions],
	["sinaddress", "jid", phrases.searchInAddresses],
] as const;

/** The search for public rooms (XEP-0433). Its answers need no state: each page is computed from its query alone. */
export const channelSearch: Query = {
	type: "get",
	name: "search",
	ns,
	where: ["host"],
	features: [ns],
	async answer({ payload, from }, { finding }) {
		const submitted = child(payload, "x", data);
		if (!submitted) return xml("search", { xmlns: ns }, searchForm());
		if (!finding) throw new StanzaError("service-unavailable", "cancel");
		const { words, order, isMuc, parts } = read(submitted);
		// The source searches for one word, and the longest one leaves the fewest rooms.
		const [word] = [...words].sort((one, other) => other.length - one.length);
		const all = isMuc ? await finding.rooms(word, from).catch(limited) : [];
		const matches = (room: FoundRoom) => {
			const searched = parts.map((part) => room[part]?.toLowerCase() ?? "");
			return words.every((one) => searched.some((text) => text.includes(one)));
		};
		const found = (words.length > 0 ? all.filter(matches) : all).toSorted(order.compare);
		const { rooms, set } = page(found, child(payload, "set", rsm), order);
		return xml("result", { xmlns: ns }, rooms.map(item), set);
	},
};

const condition = (name: string, ...children: readonly Element[]) =>
	xml(name, { xmlns: errors }, ...children);

/** XEP-0433 §4.2.2.4 */
function limited(error: unknown): never {
	if (error instanceof StanzaError && error.condition === "resource-constraint")
		throw new StanzaError(error.condition, error.type, error.text, condition("rate-limit"));
	throw error;
}

/**
 * Returns the search that a form asks for. A field that it leaves out has the value
 * of our own form (XEP-0433 §5). @throws StanzaError
 */
function read(form: Element) {
	const values = (name: string) =>
		form
			.getChildren("field")
			.find((one) => one.attrs.var === name)
			?.getChildren("value")
			.map((one) => one.getText().trim());
	const isOn = (name: string, otherwise: boolean) => {
		const [value] = values(name) ?? [];
		return value ? value === "true" || value === "1" : otherwise;
	};
	const [typed = ""] = values("q") ?? [];
	const isAll = isOn("all", false);
	if (typed !== "" && isAll)
		// §4.2.2.6
		throw new StanzaError(
			"bad-request",
			"modify",
			phrases.searchConflict,
			condition("conflicting-fields", xml("var", {}, "all"), xml("var", {}, "q")),
		);
	// §4.2.2.7
	if (typed === "" && !isAll)
		throw new StanzaError("bad-request", "cancel", phrases.searchNothing, condition("no-search-conditions"));
	const words = typed.slice(0, longest).toLowerCase().split(/\s+/).filter(Boolean);
	if (words.length > mostWords || typed.length > longest)
		// §4.2.2.3
		throw new StanzaError("bad-request", "modify", phrases.searchTooLong, condition("invalid-search-terms"));
	const order = orders.get(values("key")?.[0] || usual);
	if (!order)
		// §4.2.2.2
		throw new StanzaError("feature-not-implemented", "modify", undefined, condition("invalid-sort-key"));
	const types = values("types") ?? [muc];
	return {
		words,
		order,
		isMuc: types.includes(muc),
		parts: places.flatMap(([name, part]) => (isOn(name, true) ? [part] : [])),
	};
}

/** Returns a page of rooms and its place in the whole list (XEP-0059). @throws StanzaError for a page that there is none of */
function page(all: readonly FoundRoom[], asked: Element | undefined, order: Order) {
	const of = (name: string) => (asked ? text(asked, name) : undefined);
	if (of("index") !== undefined) throw new StanzaError("feature-not-implemented", "cancel");
	const wanted = of("max")?.trim() ?? String(mostOfPage);
	if (!/^\d{1,9}$/.test(wanted)) throw new StanzaError("bad-request", "modify");
	const most = Math.min(Number(wanted), mostOfPage);
	const place = (name: string) => {
		const text = of(name);
		const found = text ? order.at(text) : undefined;
		if (text && !found) throw new StanzaError("item-not-found", "cancel");
		return found;
	};
	const [after, before] = [place("after"), place("before")];
	const rest = all.filter(
		(room) => (!after || order.compare(room, after) > 0) && (!before || order.compare(room, before) < 0),
	);
	// §2.6 of XEP-0059: an empty <before/> asks for the last page.
	const isLast = of("before") !== undefined && most > 0;
	const rooms = isLast ? rest.slice(-most) : rest.slice(0, most);
	const [first, last] = [rooms[0], rooms.at(-1)];
	return {
		rooms,
		set: xml(
			"set",
			{ xmlns: rsm },
			first && xml("first", {}, order.place(first)),
			last && xml("last", {}, order.place(last)),
			xml("count", {}, String(all.length)),
		),
	};
}

const item = ({ jid, name, description, users, open }: FoundRoom): Element =>
	xml(
		"item",
		{ address: jid },
		name === undefined ? undefined : xml("name", {}, name),
		description === undefined ? undefined : xml("description", {}, description),
		xml("nusers", {}, String(users)),
		xml("service-type", {}, muc),
		open ? xml("is-open", {}, "true") : undefined,
		// The ghost of a person in a Matrix room shows the JID of the person to all.
		xml("anonymity-mode", {}, "{urn:xmpp:channel-search:0:anonymity}none"),
	);

function searchForm(): Element {
	const value = (text: string) => xml("value", {}, text);
	const boolean = (name: string, label: string, on: boolean) =>
		xml("field", { type: "boolean", var: name, label }, value(String(on)));
	const option = (label: string, text: string) => xml("option", { label }, value(text));
	return xml(
		"x",
		{ xmlns: data, type: "form" },
		xml("field", { type: "hidden", var: "FORM_TYPE" }, value(params)),
		xml("field", { type: "text-single", var: "q", label: phrases.searchFor }),
		boolean("all", phrases.searchAll, false),
		places.map(([name, , label]) => boolean(name, label, true)),
		xml(
			"field",
			{ type: "list-multi", var: "types", label: phrases.searchTypes },
			value(muc),
			option(phrases.searchMucs, muc),
		),
		xml(
			"field",
			{ type: "list-single", var: "key", label: phrases.searchOrder },
			value(usual),
			option(phrases.searchByUsers, "{urn:xmpp:channel-search:0:order}nusers"),
			option(phrases.searchByAddress, "{urn:xmpp:channel-search:0:order}address"),
		),
	);
}
