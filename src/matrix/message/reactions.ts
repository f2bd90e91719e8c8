import { type Content, relationOf, table, text } from "../event.ts";

/** Characters of a key that is somebody's own invention. */
const longest = 100;

/** What a m.reaction shows and on which event. A custom emoji is called by its shortcode, for it is shown nowhere else. */
export function reactionIn(content: Content): Readonly<{ to: string; emoji: string }> | undefined {
	const { type, to } = relationOf(content);
	const key = text(table(content["m.relates_to"]).key).trim();
	if (type !== "m.annotation" || !to || !key) return undefined;
	if (!key.startsWith("mxc://")) return { to, emoji: [...key].slice(0, longest).join("") };
	// MSC4027, and COMPAT what bridges and their clients write.
	const code = text(content.shortcode) || text(content["com.beeper.reaction.shortcode"]);
	return { to, emoji: `:${code.replaceAll(":", "").slice(0, longest) || "emoji"}:` };
}

export const reaction = (to: string, emoji: string): Content => ({
	"m.relates_to": { rel_type: "m.annotation", event_id: to, key: colourful(emoji).toWellFormed() },
});

/**
 * The emoji with each selector that asks for its colourful form: clients count by the exact text, and this is what they
 * send. // Matrix spec, "m.annotation relationship type"
 */
export function colourful(emoji: string): string {
	if (isEmoji.test(emoji)) return emoji;
	const selected = emoji.replace(
		/(?!\p{Emoji_Presentation})\p{Emoji}(?![\uFE0F\p{Emoji_Modifier}])/gu,
		"$&\uFE0F",
	);
	return isEmoji.test(selected) ? selected : emoji;
}
const isEmoji = /^\p{RGI_Emoji}$/v;
