import { xml } from "../stream/xml.ts";
import type { Query } from "./query.ts";

const ns = "jabber:iq:last";

/** Tells the uptime of the bridge in seconds (XEP-0012 §5). */
export const last: Query = {
	type: "get",
	name: "query",
	ns,
	where: ["host"],
	features: [ns],
	answer: async () => xml("query", { xmlns: ns, seconds: String(Math.floor(process.uptime())) }),
};
