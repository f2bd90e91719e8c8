import { emojiForm } from "../../core/emoji.ts";
import { asObject, type Content, relationOf, text } from "../event.ts";

/** Most characters of a reaction's key, which may be any text. */
const longest = 100;

/** Returns the emoji and the target of a m.reaction. A custom emoji becomes its shortcode: no other network shows images. */
export function reactionIn(content: Content): Readonly<{ to: string; emoji: string }> | undefined {
	const { type, to } = relationOf(content);
	const key = text(asObject(content["m.relates_to"]).key).trim();
	if (type !== "m.annotation" || !to || !key) return undefined;
	if (!key.startsWith("mxc://")) return { to, emoji: emojiForm([...key].slice(0, longest).join("")) };
	// MSC4027, and COMPAT the field of the mautrix bridges.
	const code = text(content.shortcode) || text(content["com.beeper.reaction.shortcode"]);
	return { to, emoji: `:${code.replaceAll(":", "").slice(0, longest) || "emoji"}:` };
}

/** Clients group reactions by the exact text of the key. // Matrix spec, "m.annotation relationship type" */
export const reaction = (to: string, emoji: string): Content => ({
	"m.relates_to": { rel_type: "m.annotation", event_id: to, key: emojiForm(emoji).toWellFormed() },
});
