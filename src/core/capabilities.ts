import type { Kind } from "./event.ts";

/**
 * How a room shows an event kind or a feature. native: every client there understands it. mixed: some clients may not, so
 * a marked fallback text goes along. text: words replace it. drop: the room does not show it.
 */
export const supports = ["native", "mixed", "text", "drop"] as const;
export type Support = (typeof supports)[number];
/** A part that a message may have besides its text. */
export type Feature = "rich" | "reply" | "thread" | "media" | "location";
export type Capabilities = Readonly<Record<Kind | Feature, Support>>;
/** The capabilities of a network that declares none. */
export const nothingShown: Capabilities = {
	message: "drop",
	edit: "drop",
	redaction: "drop",
	reaction: "drop",
	poll: "drop",
	vote: "drop",
	"poll-end": "drop",
	membership: "drop",
	moderation: "drop",
	profile: "drop",
	state: "drop",
	rich: "drop",
	reply: "drop",
	thread: "drop",
	media: "drop",
	location: "drop",
};
