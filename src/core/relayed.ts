import { filesInWords } from "./downgrade.ts";
import type { Edit, Media, Message } from "./event.ts";
import { nameOf } from "./names.ts";
import * as phrases from "./phrases.ts";

/**
 * Returns the event for sending through another person's account: the sender's name stands before the text, and no line,
 * caption or file can pass for one of that account's owner. The event keeps its sender.
 */
export function relayed<Said extends Message | Edit>(event: Said, name: string): Said {
	// A location, and each further file, would be shown without the sender's name.
	const { rich: _rich, location, media, more, ...said } = event;
	const words = location ? phrases.sharedLocation(location.description ?? "", location.geo) : event.text;
	const text = more ? filesInWords(more, words) : words;
	const acts = event.style === "emote" || location !== undefined;
	return {
		...said,
		...(media && { media: onOneLine(media) }),
		style: acts ? "text" : event.style,
		text: acts ? phrases.relayedEmote(name, text) : phrases.relayed(name, text),
	} as Said;
}

const onOneLine = (media: Media): Media => ({
	...media,
	name: nameOf(media.name),
	...(media.alt !== undefined && { alt: nameOf(media.alt) }),
});
