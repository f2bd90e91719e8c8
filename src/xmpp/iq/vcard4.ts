import { type Element, xml } from "../stream/xml.ts";
import type { Ghost, Query } from "./query.ts";

const ns = "urn:ietf:params:xml:ns:vcard-4.0";

/** Tells the same of a person as the older vCard does, in the form of XEP-0292. */
export const vcard4: Query = {
	type: "get",
	name: "vcard",
	ns,
	where: ["account", "session"],
	features: [ns],
	answer: async ({ ghost }) => vcard4Of(ghost),
};

/** Returns the vCard of a person. Pure. */
export const vcard4Of = ({ name, jid, url }: Ghost): Element =>
	xml(
		"vcard",
		{ xmlns: ns },
		xml("fn", {}, xml("text", {}, name)),
		xml("nickname", {}, xml("text", {}, name)),
		jid && xml("impp", {}, xml("uri", {}, `xmpp:${jid}`)),
		url && xml("url", {}, xml("uri", {}, url)),
	);
