import { xml } from "../stream/xml.ts";
import type { Feature } from "./query.ts";

const ns = "urn:xmpp:time";

/** XEP-0202: our own time. Where a ghost's person lives is not ours to tell. */
export const time: Feature = {
	type: "get",
	name: "time",
	ns,
	where: ["host"],
	answer: () =>
		xml("time", { xmlns: ns }, xml("tzo", {}, "+00:00"), xml("utc", {}, new Date().toISOString())),
};
