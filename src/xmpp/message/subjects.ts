import { type MessageFeature, wordsOf } from "./feature.ts";
import { inDefaultLanguage } from "./language.ts";

/**
 * The title of a message (RFC 6121 §5.2.4), as mail gateways, feeds and servers' announcements send it: shown in bold above
 * the body. In a MUC, too, a subject beside a body changes no topic (XEP-0045 §8.1).
 */
export const subjects: MessageFeature = {
	vars: [],
	read(stanza, parsed) {
		const title = inDefaultLanguage(stanza, "subject")?.getText().trim();
		if (!title || parsed.style !== "text") return parsed;
		const words = wordsOf(parsed);
		if (words === title) return parsed;
		const bold = { tag: "bold", children: [title] } as const;
		// A file without a caption has its title as the caption.
		if (words === "") return parsed.media ? { ...parsed, rich: [bold] } : parsed;
		return { ...parsed, rich: [bold, { tag: "break" }, ...(parsed.rich ?? [words])] };
	},
};
