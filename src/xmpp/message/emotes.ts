import { type MessageFeature, prefixed, spelling } from "./feature.ts";

const command = "/me ";

/** XEP-0245: a body that starts with exactly "/me " is an emote. */
export const emotes: MessageFeature = {
	vars: [],
	read(_stanza, parsed) {
		return spelling(parsed.body.slice(0, command.length)) === command
			? { ...parsed, style: "emote", body: parsed.body.slice(command.length) }
			: parsed;
	},
	write(event, draft) {
		if (!("style" in event) || draft.body === undefined) return draft;
		if (event.style === "emote") return prefixed(draft, command);
		// §3 has no escape: a leading blank keeps a text that starts with "/me " from becoming an emote.
		return draft.body.startsWith(command) ? prefixed(draft, " ") : draft;
	},
};
