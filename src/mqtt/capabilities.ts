import type { Capabilities } from "../core/network.ts";

/** A subscription only speaks; to things people talk by `pub`. */
export const capabilities: Capabilities = {
	message: "drop",
	edit: "drop",
	redaction: "drop",
	reaction: "drop",
	poll: "drop",
	vote: "drop",
	"poll-end": "drop",
	rich: "drop",
	reply: "drop",
	thread: "drop",
	media: "drop",
	location: "drop",
	membership: "drop",
	profile: "drop",
	state: "drop",
};
