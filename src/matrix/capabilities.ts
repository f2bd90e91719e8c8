import type { Capabilities } from "../core/capabilities.ts";

/** What every Matrix room can show. A device's value has no display there, so it comes as words. */
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
	profile: "native",
	state: "text",
} as const satisfies Capabilities;
