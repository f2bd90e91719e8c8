import { xml } from "../stream/xml.ts";
import type { Feature } from "./query.ts";

const ns = "jabber:iq:version";

/** XEP-0092: which software speaks here. */
export const version: Feature = {
	type: "get",
	name: "query",
	ns,
	where: ["host", "account", "session"],
	answer: ({ software }) =>
		xml("query", { xmlns: ns }, xml("name", {}, software.name), xml("version", {}, software.version)),
};
