import type { Capabilities, Support } from "../core/capabilities.ts";

/** The capabilities of a MUC. Ghosts are its occupants, so the MUC itself shows how they join, leave and change their nick. */
export const joined = {
	message: "native",
	edit: "native",
	redaction: "native",
	// No server tells which clients of its occupants know XEP-0444: the others read the marked words.
	reaction: "mixed",
	poll: "text",
	vote: "text",
	"poll-end": "text",
	rich: "native",
	reply: "native",
	thread: "native",
	media: "native",
	location: "native",
	membership: "native",
	moderation: "native",
	profile: "native",
	state: "text",
} as const satisfies Capabilities;

/**
 * The capabilities of a hosted room. Its messages have stanza-ids, and what is done to them is no line of its own; its
 * presences show who joins, leaves and changes the name.
 */
export const hosted = {
	...joined,
	reaction: "native",
	membership: "drop",
	moderation: "drop",
	profile: "drop",
} as const satisfies Capabilities;

/** The capabilities of a MUC without stanza-ids: a message there can be pointed at by its own author only. */
export const withoutIds = { ...joined, reaction: "text", reply: "text" } as const satisfies Capabilities;

/** The features that the clients of accounts are asked for. */
export const askedOfClients: readonly string[] = [
	"urn:xmpp:message-correct:0",
	"urn:xmpp:message-retract:1",
	"urn:xmpp:reactions:0",
	"urn:xmpp:receipts",
	"http://jabber.org/protocol/chatstates",
	"urn:xmpp:chat-markers:0",
];

/** Returns what a chat of two shows. `support` tells what the clients of the account understand. */
export const direct = (support: (ns: string) => Support): Capabilities => ({
	...joined,
	edit: support("urn:xmpp:message-correct:0"),
	// A client without XEP-0424 shows the fallback text, which says that a message was deleted.
	redaction: support("urn:xmpp:message-retract:1") === "native" ? "native" : "mixed",
	reaction: support("urn:xmpp:reactions:0"),
	membership: "drop",
	moderation: "drop",
	profile: "native",
});
