import { filesInWords } from "./downgrade.ts";
import type { Edit, Media, Message } from "./event.ts";
import { nameOf } from "./names.ts";
import * as phrases from "./phrases.ts";

/**
 * The event as an account of somebody else says it: the sender's name stands before the words, and no line, caption or file
 * of it can pass for one of that account. The event keeps its sender.
 */
export function relayed<Said extends Message | Edit>(event: Said, name: string): Said {
	// A place, and each further file, would stand there without the name.
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
