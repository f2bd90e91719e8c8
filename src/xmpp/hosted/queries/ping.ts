import type { RoomQuery } from "./query.ts";

export const pingNs = "urn:xmpp:ping";

/** Answers a ping of the room itself (XEP-0199). A ping of a nick is answered by occupant.ts. */
export const ping: RoomQuery = {
	type: "get",
	name: "ping",
	ns: pingNs,
	features: [pingNs],
	answer: async () => undefined,
};
