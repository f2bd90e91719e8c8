import { text } from "../stream/xml.ts";
import { type MessageFeature, wordsOf } from "./feature.ts";

/**
 * The subject of a 1:1 message (RFC 6121 §5.2.4), as mail gateways and servers' announcements send it: shown in bold above
 * the body. In a MUC the subject is the room's topic, so it is ignored here.
 */
export const subjects: MessageFeature = {
	vars: [],
	read(stanza, parsed, { muc }) {
		const title = text(stanza, "subject")?.trim();
		if (muc !== undefined || !title || parsed.body.length === 0 || parsed.style !== "text") return parsed;
		const words = wordsOf(parsed);
		if (words === title) return parsed;
		const rich = parsed.rich ?? [words];
		return { ...parsed, rich: [{ tag: "bold", children: [title] }, { tag: "break" }, ...rich] };
	},
};
