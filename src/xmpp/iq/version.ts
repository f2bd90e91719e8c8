import { xml } from "../stream/xml.ts";
import type { Query } from "./query.ts";

const ns = "jabber:iq:version";

/** Tells the name and version of the bridge (XEP-0092). */
export const version: Query = {
	type: "get",
	name: "query",
	ns,
	where: ["host", "account", "session"],
	features: [ns],
	answer: async (_question, { software }) =>
		xml("query", { xmlns: ns }, xml("name", {}, software.name), xml("version", {}, software.version)),
};
