import { xml } from "../stream/xml.ts";
import type { Query } from "./query.ts";

const ns = "vcard-temp";

/** Tells the full name (XEP-0054), of which a nick may hold a part only. */
export const vcard: Query = {
	type: "get",
	name: "vCard",
	ns,
	// A MUC passes the query about an occupant on to the bare JID, some MUCs to the session.
	where: ["host", "account", "session"],
	features: [ns],
	answer: async ({ name }) => xml("vCard", { xmlns: ns }, xml("FN", {}, name), xml("NICKNAME", {}, name)),
};
