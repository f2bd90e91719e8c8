import { xml } from "../stream/xml.ts";
import type { Query } from "./query.ts";

const ns = "urn:xmpp:time";

/** Tells the time of the bridge (XEP-0202), also at the addresses of a ghost: it says nothing of the zone of its person. */
export const time: Query = {
	type: "get",
	name: "time",
	ns,
	where: ["host", "account", "session"],
	features: [ns],
	answer: async () =>
		xml("time", { xmlns: ns }, xml("tzo", {}, "+00:00"), xml("utc", {}, new Date().toISOString())),
};
