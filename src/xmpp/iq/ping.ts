import type { Feature } from "./query.ts";

/** XEP-0199: whether we are there. MUCs and clients ask before they drop an occupant. */
export const ping: Feature = {
	type: "get",
	name: "ping",
	ns: "urn:xmpp:ping",
	where: ["host", "account", "session"],
	answer: () => undefined,
};
