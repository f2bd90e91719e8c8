import { xml } from "../stream/xml.ts";
import type { Feature } from "./query.ts";

const ns = "jabber:iq:last";

/** XEP-0012 §5: for how many seconds the bridge has been running. */
export const last: Feature = {
	type: "get",
	name: "query",
	ns,
	where: ["host"],
	answer: () => xml("query", { xmlns: ns, seconds: String(Math.floor(process.uptime())) }),
};
