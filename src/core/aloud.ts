import type { Kind } from "./event.ts";

/** What people do and wait to see on the other side: of what gets to nobody they are told. */
export const aloud: Readonly<Record<Kind, boolean>> = {
	message: true,
	edit: true,
	redaction: true,
	reaction: true,
	poll: true,
	vote: true,
	"poll-end": true,
	membership: false,
	profile: false,
	state: false,
};
