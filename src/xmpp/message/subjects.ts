import { text } from "../stream/xml.ts";
import { type MessageFeature, wordsOf } from "./feature.ts";

/**
 * The title of a message (RFC 6121 §5.2.4), as mail gateways and notices of servers have it: it stands above the words.
 * In a MUC it is the room's topic, or repeats what the words say of that.
 */
export const subjects: MessageFeature = {
	vars: [],
	read(stanza, heard, { muc }) {
		const title = text(stanza, "subject")?.trim();
		if (muc !== undefined || !title || heard.body.length === 0 || heard.style !== "text") return heard;
		const words = wordsOf(heard);
		if (words === title) return heard;
		const rich = heard.rich ?? [words];
		return { ...heard, rich: [{ tag: "bold", children: [title] }, { tag: "break" }, ...rich] };
	},
};
