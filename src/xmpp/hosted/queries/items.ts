import { StanzaError } from "../../stanza-error.ts";
import { xml } from "../../stream/xml.ts";
import type { RoomQuery } from "./query.ts";

const ns = "http://jabber.org/protocol/disco#items";
/** Occupants that are listed, so that the answer stays below the stanza limit of servers. */
const most = 500;

/** Lists the occupants of a room (XEP-0045 §6.5) for those who are in it. */
export const items: RoomQuery = {
	type: "get",
	name: "query",
	ns,
	features: [ns],
	async answer({ payload, place: { address, joined } }) {
		if (payload.attrs.node !== undefined) throw new StanzaError("item-not-found", "cancel");
		const nicks = joined ? [...joined.room.occupants.keys()].slice(0, most) : [];
		return xml(
			"query",
			{ xmlns: ns },
			nicks.map((nick) => xml("item", { jid: `${address}/${nick}`, name: nick })),
		);
	},
};
