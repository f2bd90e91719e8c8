import type { Capabilities } from "../core/capabilities.ts";

/** The kinds of events that every Matrix room can show. Matrix has no display for a device's value, so it becomes text. */
export const capabilities = {
	message: "native",
	edit: "native",
	redaction: "native",
	reaction: "native",
	poll: "native",
	vote: "native",
	"poll-end": "native",
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
