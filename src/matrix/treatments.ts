/** The treatments of Matrix events, which event-kinds.ts gives to each known kind. */

/**
 * How an event is translated. `dropped`, `encrypted`, `ringing`: not at all. `signal`: as a signal (ephemeral.ts), not in a
 * timeline. `fallback`: as its own fallback text, if it has one.
 */
export type Treatment =
	| "message"
	| "sticker"
	| "poll"
	| "vote"
	| "poll-end"
	| "reaction"
	| "redaction"
	| "membership"
	| "powers"
	| "encrypted"
	| "ringing"
	| "signal"
	| "fallback"
	| "dropped"
	| Happening;

/** The acts of people in a room besides writing; other networks read of them in words. */
export const happenings = [
	"live-location",
	"live-position",
	"call",
	"group-call",
	"pins",
	"topic",
	"name",
	"picture",
	"upgrade",
	"encryption",
	"widget",
	"voice-broadcast",
] as const;
export type Happening = (typeof happenings)[number];

export const isHappening = (treatment: Treatment): treatment is Happening =>
	(happenings as readonly string[]).includes(treatment);
