import { asObject, type Content, relationOf, text } from "../event.ts";

/** Most characters of a reaction's key, which may be any text. */
const longest = 100;

/** Returns the emoji and the target of a m.reaction. A custom emoji becomes its shortcode: no other network shows images. */
export function reactionIn(content: Content): Readonly<{ to: string; emoji: string }> | undefined {
	const { type, to } = relationOf(content);
	const key = text(asObject(content["m.relates_to"]).key).trim();
	if (type !== "m.annotation" || !to || !key) return undefined;
	if (!key.startsWith("mxc://")) return { to, emoji: [...key].slice(0, longest).join("") };
	// MSC4027, and COMPAT the field of the mautrix bridges.
	const code = text(content.shortcode) || text(content["com.beeper.reaction.shortcode"]);
	return { to, emoji: `:${code.replaceAll(":", "").slice(0, longest) || "emoji"}:` };
}

export const reaction = (to: string, emoji: string): Content => ({
	"m.relates_to": { rel_type: "m.annotation", event_id: to, key: colourful(emoji).toWellFormed() },
});

/**
 * Returns the emoji with its variation selectors (U+FE0F): clients group reactions by the exact text, and send it so.
 * // Matrix spec, "m.annotation relationship type"
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
