import type { Capabilities, Support } from "../core/capabilities.ts";

/** In a MUC our people are occupants: their coming, going and renaming is shown by the room itself. */
export const joined = {
	message: "native",
	edit: "native",
	redaction: "native",
	reaction: "native",
	poll: "text",
	vote: "text",
	"poll-end": "text",
	rich: "native",
	reply: "native",
	thread: "native",
	media: "native",
	location: "native",
	membership: "native",
	profile: "native",
	state: "text",
} as const satisfies Capabilities;

/** A room without ids of its own has nothing to point at: only who wrote a message can name it. */
export const withoutIds = { ...joined, reaction: "text", reply: "text" } as const satisfies Capabilities;

/** What the clients of people are asked about. */
export const askedOfClients: readonly string[] = [
	"urn:xmpp:message-correct:0",
	"urn:xmpp:message-retract:1",
	"urn:xmpp:reactions:0",
];

/** In a chat of two there is nobody to come or go. What their clients know is asked, see peers.ts. */
export const direct = (support: (ns: string) => Support): Capabilities => ({
	...joined,
	edit: support("urn:xmpp:message-correct:0"),
	// Whoever does not know it reads that something was deleted: the stanza says it in words besides.
	redaction: support("urn:xmpp:message-retract:1") === "native" ? "native" : "mixed",
	reaction: support("urn:xmpp:reactions:0"),
	membership: "drop",
	profile: "drop",
});
