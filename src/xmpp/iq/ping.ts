import type { Query } from "./query.ts";

const ns = "urn:xmpp:ping";

/** Answers pings (XEP-0199). MUCs and clients ping an occupant before they drop it. */
export const ping: Query = {
	type: "get",
	name: "ping",
	ns,
	where: ["host", "account", "session"],
	features: [ns],
	answer: async () => undefined,
};
