import type { Capabilities } from "../core/network.ts";

/** What every Matrix room can show. A device's value has no display there, so it comes as words. */
export const capabilities = {
	message: "native",
	edit: "text",
	redaction: "text",
	reaction: "text",
	poll: "text",
	vote: "text",
	"poll-end": "text",
	rich: "text",
	reply: "text",
	thread: "text",
	media: "native",
	location: "text",
	membership: "native",
	profile: "native",
	state: "text",
} as const satisfies Capabilities;
