import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { affiliationOf } from "../presences.ts";
import type { RoomQuery } from "./query.ts";

/** Refuses a change of a room (XEP-0045 §9 and §10): the people of the room make it on its own network. */
const refusing = (type: "get" | "set", ns: string, name = "query"): RoomQuery => ({
	type,
	name,
	ns,
	features: [],
	async answer({ place: { facts, joined } }) {
		const affiliation = joined ? affiliationOf(facts, joined.occupant.person) : "none";
		if (affiliation !== "owner" && affiliation !== "admin")
			throw new StanzaError("forbidden", "auth", phrases.hostedNotYours);
		throw new StanzaError("feature-not-implemented", "cancel", phrases.hostedAdministered);
	},
});

export const administration: readonly RoomQuery[] = [
	refusing("set", "http://jabber.org/protocol/muc#admin"),
	refusing("get", "http://jabber.org/protocol/muc#owner"),
	refusing("set", "http://jabber.org/protocol/muc#owner"),
	// XEP-0486 §3.2: the picture of the room.
	refusing("set", "vcard-temp", "vCard"),
];
