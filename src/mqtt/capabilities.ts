import type { Capabilities } from "../core/capabilities.ts";

/**
 * Core hands over what `takes` in index.ts names: answers to a thing's message, and the events of a feed, which go out as
 * they are.
 */
export const capabilities: Partial<Capabilities> = {
	message: "native",
	edit: "native",
	redaction: "native",
	reaction: "native",
	membership: "native",
	reply: "native",
	media: "native",
	location: "native",
};
