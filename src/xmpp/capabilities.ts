import type { Capabilities } from "../core/network.ts";

/** In a MUC our people are occupants: their coming, going and renaming is shown by the room itself. */
export const joined = {
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

/** In a chat of two there is nobody to come or go. */
export const direct = {
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
	membership: "drop",
	profile: "drop",
	state: "text",
} as const satisfies Capabilities;
