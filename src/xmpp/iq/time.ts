import { xml } from "../stream/xml.ts";
import type { Query } from "./query.ts";

const ns = "urn:xmpp:time";

/** Tells the time of the bridge (XEP-0202). A ghost tells none: its time zone would say where its person lives. */
export const time: Query = {
	type: "get",
	name: "time",
	ns,
	where: ["host"],
	features: [ns],
	answer: async () =>
		xml("time", { xmlns: ns }, xml("tzo", {}, "+00:00"), xml("utc", {}, new Date().toISOString())),
};
