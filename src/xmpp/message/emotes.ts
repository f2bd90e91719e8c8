import { type MessageFeature, prefixed, spelling } from "./feature.ts";

const command = "/me ";

/** XEP-0245: exactly "/me " at the very start. */
export const emotes: MessageFeature = {
	vars: [],
	read(_stanza, heard) {
		return spelling(heard.body.slice(0, command.length)) === command
			? { ...heard, style: "emote", body: heard.body.slice(command.length) }
			: heard;
	},
	write(event, draft) {
		if (!("style" in event) || draft.body === undefined) return draft;
		if (event.style === "emote") return prefixed(draft, command);
		// §3 knows no escape: a blank keeps a text about the command from becoming one.
		return draft.body.startsWith(command) ? prefixed(draft, " ") : draft;
	},
};
