import { xml } from "../stream/xml.ts";
import type { Feature } from "./query.ts";

const ns = "vcard-temp";

/** XEP-0054: the full name, which a nick may only hold a part of. */
export const vcard: Feature = {
	type: "get",
	name: "vCard",
	ns,
	// MUCs pass the question about an occupant on to the bare JID, some to the session.
	where: ["host", "account", "session"],
	answer: ({ name }) => xml("vCard", { xmlns: ns }, xml("FN", {}, name), xml("NICKNAME", {}, name)),
};
