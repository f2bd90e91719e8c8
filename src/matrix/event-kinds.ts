import type { MatrixEvent } from "./event.ts";
import type { Treatment } from "./treatments.ts";

/**
 * All kinds of events that a Matrix room can hold, as of version 1.19 of the specification, and of common clients and
 * servers (Element, FluffyChat, Cinny, Nheko, Synapse), each with its treatment. The translator goes by this
 * list alone, and docs/what-crosses.md has its table from here.
 */

type Kind = Readonly<{
	types: readonly string[];
	/** State events; otherwise events of the timeline. */
	state?: true;
	as: Treatment;
	/** The name of the event, and the form in which people of other networks get it, or why they get nothing: for the docs. */
	what: string;
	shown: string;
}>;

const nothingToRead = "machines tell each other; nobody writes it for a reader";
const settings = "a setting of the Matrix room, without meaning elsewhere";

/** In the order of the docs. */
export const kinds: readonly Kind[] = [
	{ types: ["m.room.message"], as: "message", what: "message", shown: "by its msgtype, see below" },
	{ types: ["m.sticker"], as: "sticker", what: "sticker", shown: "a picture with its name" },
	{ types: ["m.reaction"], as: "reaction", what: "reaction", shown: "a reaction" },
	{ types: ["m.room.redaction"], as: "redaction", what: "deletion", shown: "a deletion" },
	{
		types: ["m.poll.start", "org.matrix.msc3381.poll.start"],
		as: "poll",
		what: "poll",
		shown: "a question with numbers",
	},
	{
		types: ["m.poll.response", "org.matrix.msc3381.poll.response"],
		as: "vote",
		what: "vote",
		shown: "in words",
	},
	{
		types: ["m.poll.end", "org.matrix.msc3381.poll.end"],
		as: "poll-end",
		what: "end of a poll",
		shown: "in words, with the counts",
	},
	{
		types: ["m.room.encrypted"],
		as: "encrypted",
		what: "encrypted event",
		shown: "nothing; its sender gets a notice",
	},
	{
		types: ["m.room.member"],
		state: true,
		as: "membership",
		what: "join, leave, rename",
		shown: "a join, leave or rename",
	},
	{
		types: ["m.beacon_info", "org.matrix.msc3672.beacon_info", "org.matrix.msc3489.beacon_info"],
		state: true,
		as: "live-location",
		what: "live location",
		shown: "in words at its start and at its end, with the last place",
	},
	{
		types: ["m.beacon", "org.matrix.msc3672.beacon", "org.matrix.msc3489.beacon"],
		as: "live-position",
		what: "position of a live location",
		shown:
			"the first one as a place; of the later ones the last, in words at the end, as dozens an hour are noise",
	},
	{
		types: ["m.call.invite"],
		as: "call",
		what: "call",
		shown: "in words; in a 1:1 chat the caller gets a notice, and the call is declined",
	},
	{
		types: [
			"m.call.member",
			"org.matrix.msc3401.call.member",
			"com.famedly.call.member",
			"m.rtc.member",
			"org.matrix.msc4143.rtc.member",
		],
		state: true,
		as: "group-call",
		what: "member of a call (MatrixRTC)",
		shown: "in words, once a call; in a 1:1 chat the caller gets a notice",
	},
	{
		types: ["m.rtc.member", "org.matrix.msc4143.rtc.member"],
		as: "group-call",
		what: "member of a call (MatrixRTC), not as state",
		shown: "in words, once a call",
	},
	{
		types: ["m.room.pinned_events"],
		state: true,
		as: "pins",
		what: "pinned messages",
		shown: "in words when one is pinned",
	},
	{
		types: ["m.room.topic"],
		state: true,
		as: "topic",
		what: "topic",
		shown: "the subject of a MUC; in words in a chat, and where nobody of the bridge may set the subject",
	},
	{ types: ["m.room.name"], state: true, as: "name", what: "name of the room", shown: "in words" },
	{
		types: ["m.room.avatar"],
		state: true,
		as: "picture",
		what: "picture of the room",
		shown: "in words",
	},
	{
		types: ["m.room.tombstone"],
		state: true,
		as: "upgrade",
		what: "replacement of the room",
		shown: "in words; the link goes on in the new room",
	},
	{
		types: ["m.room.encryption"],
		state: true,
		as: "encryption",
		what: "encryption turned on",
		shown: "in words",
	},
	{
		types: ["im.vector.modular.widgets", "m.widget"],
		state: true,
		as: "widget",
		what: "widget",
		shown: "in words; a Jitsi conference with its link",
	},
	{
		types: ["io.element.voice_broadcast_info"],
		state: true,
		as: "voice-broadcast",
		what: "voice broadcast",
		shown: "in words at its start; its parts are voice messages",
	},
	{
		types: [
			"m.call.answer",
			"m.call.candidates",
			"m.call.hangup",
			"m.call.negotiate",
			"m.call.reject",
			"m.call.replaces",
			"m.call.select_answer",
			"m.call.sdp_stream_metadata_changed",
			"m.call.asserted_identity",
			"org.matrix.call.asserted_identity",
			"org.matrix.call.replaces",
			"org.matrix.call.sdp_stream_metadata_changed",
			"io.element.call.encryption_keys",
			"io.element.call.reaction",
			"m.rtc.encryption_key",
			"org.matrix.msc4143.rtc.encryption_key",
		],
		as: "dropped",
		what: "course of a call",
		shown: `nothing: ${nothingToRead}`,
	},
	{
		types: [
			"m.call.notify",
			"org.matrix.msc4075.call.notify",
			"m.rtc.decline",
			"org.matrix.msc4310.rtc.decline",
			"m.call.ring.ack",
			"org.matrix.msc4075.call.ring.ack",
		],
		as: "dropped",
		what: "ringing of a call (MatrixRTC), answers to it",
		shown: "nothing: the call itself is told",
	},
	{
		types: ["m.rtc.notification", "org.matrix.msc4075.rtc.notification"],
		as: "ringing",
		what: "ringing of a call (MatrixRTC)",
		shown: "nothing: the call itself is told; in a 1:1 chat it is declined",
	},
	{
		types: ["m.call", "org.matrix.msc3401.call", "m.rtc.slot", "org.matrix.msc4143.rtc.slot"],
		state: true,
		as: "dropped",
		what: "place for calls (MatrixRTC)",
		shown: "nothing: its first member is told",
	},
	{
		types: [
			"m.key.verification.request",
			"m.key.verification.ready",
			"m.key.verification.start",
			"m.key.verification.accept",
			"m.key.verification.key",
			"m.key.verification.mac",
			"m.key.verification.done",
			"m.key.verification.cancel",
		],
		as: "dropped",
		what: "verification of a device",
		shown: "nothing: devices verify each other, and a person elsewhere has none on Matrix",
	},
	{
		types: ["com.beeper.message_send_status", "m.room.message.feedback", "org.matrix.rageshake_request"],
		as: "dropped",
		what: "status of a message",
		shown: `nothing: ${nothingToRead}`,
	},
	{
		types: [
			"m.room.aliases",
			"m.room.canonical_alias",
			"m.room.create",
			"m.room.guest_access",
			"m.room.history_visibility",
			"m.room.join_rules",
			"m.room.policy",
			"m.room.related_groups",
			"m.room.retention",
			"m.room.server_acl",
			"org.matrix.msc4284.policy",
			"im.vector.room.access_rules",
			"org.matrix.room.preview_urls",
		],
		state: true,
		as: "dropped",
		what: "settings",
		shown: `nothing: ${settings}`,
	},
	{
		types: ["m.room.power_levels"],
		state: true,
		as: "powers",
		what: "power levels",
		shown: "the right to write that the ghost of a person loses or gets again; nothing of the rest",
	},
	{
		types: ["m.room.third_party_invite"],
		state: true,
		as: "dropped",
		what: "invitation by e-mail",
		shown: "nothing: a join follows it",
	},
	{
		types: [
			"m.policy.rule.room",
			"m.policy.rule.server",
			"m.policy.rule.user",
			"m.room.rule.room",
			"m.room.rule.server",
			"m.room.rule.user",
			"org.matrix.mjolnir.rule.room",
			"org.matrix.mjolnir.rule.server",
			"org.matrix.mjolnir.rule.user",
		],
		state: true,
		as: "dropped",
		what: "ban lists",
		shown: "nothing: a room can follow one, and a ban is told by the leave",
	},
	{
		types: ["m.space.child", "m.space.parent"],
		state: true,
		as: "dropped",
		what: "places in spaces",
		shown: `nothing: ${settings}`,
	},
	{
		types: [
			"m.bridge",
			"uk.half-shot.bridge",
			"com.beeper.room_features",
			"m.room.bridging",
			"m.room.bot.options",
			"m.room.plumbing",
			"io.element.functional_members",
			"org.matrix.msc4171.service_members",
		],
		state: true,
		as: "dropped",
		what: "bridges and bots",
		shown: `nothing: ${nothingToRead}`,
	},
	{
		types: [
			"io.element.widgets.layout",
			"org.matrix.room.color_scheme",
			"in.cinny.room.power_level_tags",
			"im.nheko.event_expiry",
			"im.nheko.hidden_events",
			"im.ponies.room_emotes",
			"m.emotes",
			"m.image_pack",
			"m.room.emotes",
			"m.room.image_pack",
			"org.matrix.msc3588.stories.stories-room",
		],
		state: true,
		as: "dropped",
		what: "looks: layouts, colours, packs of emoji and stickers, stories",
		shown: "nothing: they say how a client shows the room; a sticker that is sent crosses",
	},
	{ types: ["m.typing"], as: "signal", what: "typing", shown: "typing" },
	{
		types: ["m.presence"],
		as: "signal",
		what: "presence",
		shown: "available, away or do not disturb, with the status, in chats of two",
	},
	{
		types: ["m.receipt"],
		as: "signal",
		what: "read receipt",
		shown:
			"a read position, in chats of two and small rooms (`rooms.read_receipts`); a private receipt, and one of a thread alone, never",
	},
	{
		types: ["m.fully_read"],
		as: "dropped",
		what: "position of the read marker",
		shown: "nothing: it is data of an account, which the homeserver shows to no bridge",
	},
	{
		types: [
			"m.accepted_terms",
			"m.direct",
			"m.dummy",
			"m.forwarded_room_key",
			"m.identity_server",
			"m.ignored_user_list",
			"m.image_pack.rooms",
			"m.invite_permission_config",
			"m.key_backup",
			"m.marked_unread",
			"m.media_preview_config",
			"m.push_rules",
			"m.recent_emoji",
			"m.room_key",
			"m.room_key.withheld",
			"m.room_key_bundle",
			"m.room_key_request",
			"m.secret.request",
			"m.secret.send",
			"m.tag",
		],
		as: "dropped",
		what: "data of an account, keys of devices",
		shown: "nothing: they are no events of the room, and the homeserver hands none of them over",
	},
];

const keyOf = (type: string, state: boolean) => `${state ? "state" : "timeline"} ${type}`;
const byType = new Map(
	kinds.flatMap(({ types, state = false, as }) => types.map((type) => [keyOf(type, state), as] as const)),
);

/**
 * Returns how an event is translated. An unknown event of the timeline is its fallback text, if it has one; an unknown
 * state event is nothing, as no client shows one among the messages.
 */
export const treatmentOf = ({ type, state_key }: Pick<MatrixEvent, "type" | "state_key">): Treatment =>
	byType.get(keyOf(type, state_key !== undefined)) ?? (state_key === undefined ? "fallback" : "dropped");
