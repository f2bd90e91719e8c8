import type { Capabilities, Support } from "../core/capabilities.ts";

/** The type of the state event by which clients hide what the other room does not show. COMPAT Beeper's clients */
export const roomFeaturesType = "com.beeper.room_features";

/** dropped -1, unsupported 0, in another form 1, fully 2. */
const levels: Record<Support, number> = { native: 2, mixed: 2, text: 1, drop: -1 };

const formats = [
	"bold",
	"italic",
	"strikethrough",
	"inline_code",
	"code_block",
	"blockquote",
	"inline_link",
	"user_link",
	"at_room_mention",
	"unordered_list",
	"ordered_list",
	"spoiler",
] as const;
const files = ["m.image", "m.video", "m.audio", "m.file", "m.sticker", "org.matrix.msc3245.voice"] as const;

/** Returns the content of the event for a room with these capabilities. `receipts`: read receipts may cross. Pure. */
export function roomFeatures(can: Capabilities, receipts: boolean): Readonly<Record<string, unknown>> {
	const media = levels[can.media];
	return {
		formatting: Object.fromEntries(formats.map((one) => [one, levels[can.rich]])),
		file: Object.fromEntries(files.map((one) => [one, { mime_types: { "*/*": media }, caption: media }])),
		location_message: levels[can.location],
		poll: levels[can.poll],
		thread: levels[can.thread],
		reply: levels[can.reply],
		edit: levels[can.edit],
		delete: levels[can.redaction],
		reaction: levels[can.reaction],
		custom_emoji_reactions: false,
		...(can.moderation === "native" && { member_actions: { kick: 2, ban: 2 } }),
		read_receipts: receipts,
		typing_notifications: true,
	};
}
