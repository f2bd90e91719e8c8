import type { Copy, MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Person } from "./person.ts";
import type { Rich } from "./rich.ts";

/** A message that another event refers to, by its id in the source room. */
export type Reference = Readonly<{
	id: MessageId;
	/** An id that is known only if the sender wrote the target, and so may edit it. See {@link Base.aka}. */
	own?: MessageId;
	/** Further ids that may be meant, in the place of `id` and `own`: each counts if no message is known by those before it. */
	or?: readonly MessageId[];
	/**
	 * Copies that the target itself names, if it is an event of ours that does: a last resort when the journal has
	 * forgotten it.
	 */
	copies?: readonly Copy[];
	/** The author and the text of the target, for a quote in words if the other room does not know the target. */
	author?: Person;
	text?: string;
}>;

/** A file. `source` is opaque to core: the network that it names opens it. */
export type Media = Readonly<{
	kind: "image" | "video" | "audio" | "voice" | "sticker" | "file";
	source: Readonly<{ network: NetworkName; ref: string }>;
	name: string;
	mime?: string;
	/** Bytes. */
	size?: number;
	/** SHA-256 of the bytes, in base64, if the sender announced it: bytes with another hash are rejected. */
	sha256?: string;
	/** Pixels. */
	width?: number;
	height?: number;
	/** Milliseconds. */
	duration?: number;
	/** A description of the picture, for people who cannot see it. */
	alt?: string;
	blurhash?: string;
	thumbnail?: Picture;
	/** A public URL of the file, shown to people if the bridge cannot fetch the file. */
	link?: string;
}>;
/** A thumbnail, see {@link Media}. */
export type Picture = Pick<Media, "source" | "mime" | "size" | "width" | "height" | "link">;

/** The content of a message or an edit. */
export type Words = Readonly<{
	/** notice: written by a machine, so bots do not answer it. */
	style: "text" | "emote" | "notice";
	/** The text without markup; of media the caption, empty if there is none. */
	text: string;
	rich?: Rich;
	media?: Media;
	/** The further files of a message with several, in order; the caption belongs to the first. */
	more?: readonly Media[];
	location?: Readonly<{ geo: string; description?: string }>;
}>;

type Base = Readonly<{
	id: MessageId;
	/** Further ids of the same event in its room, by which other events there may refer to it. */
	aka?: readonly MessageId[];
	room: RoomId;
	sender: Person;
	/** The time of sending, in ms since 1970, by the clock of its server. */
	at: number;
	/**
	 * The sender's client waits for an answer until then, in ms since 1970: a row that was not attempted by this time is
	 * cancelled, and the event refused as expired.
	 */
	until?: number;
	/** A message that backfill found after a gap: it is shown with its time and notifies nobody. */
	late?: true;
	/** The marks of the rooms that the event passed on its way through other bridges, in order; see passed-rooms.ts. */
	passed?: readonly string[];
	/** The sender's client asks to be told when the other person's room has the event: see {@link Network.delivered}. */
	receipt?: true;
	/** The addressee in a 1:1 room. The first message to one opens the portal. */
	to?: Person;
}>;

/**
 * A message with `sets` tells in words of a change that its sender has made to the room: a network that can make the same
 * change does so, and others show the words. A topic of "" is none.
 */
export type Sets = Readonly<{ topic: string }>;
/** A message whose `aka` holds the id of its own thread begins the thread, unless the journal knows an earlier one of it. */
export type Message = Base &
	Words &
	Readonly<{ kind: "message"; replyTo?: Reference; thread?: Reference; sets?: Sets }>;
/** A new content for `target`, which keeps its reply and its thread. */
export type Edit = Base &
	Words &
	Readonly<{
		kind: "edit";
		target: Reference;
		replyTo?: Reference;
		thread?: Reference;
		/** `media` is another file than the target's. */
		newMedia?: true;
	}>;
/** A deletion of `target`: by its author if `target.own` is known, else by a moderator. */
export type Redaction = Base &
	Readonly<{
		kind: "redaction";
		target: Reference;
		reason?: string;
		/** The name of the moderator, if the room names one. */
		by?: string;
		/** The target may be an event that no other room shows, such as a notice of the bridge: none need know it. */
		unsure?: true;
	}>;
/** add, remove: changes these emoji and no others. set: these emoji replace all others; an outbound reaction is always a set. */
export type Reaction = Base &
	Readonly<{ kind: "reaction"; target: Reference; mode: "add" | "remove" | "set"; emoji: readonly string[] }>;
/** `text` is empty if only the id is known. */
export type PollAnswer = Readonly<{ id: string; text: string }>;
/**
 * A question with numbered answers; people of networks without polls vote by a reply or a reaction with the number.
 * `undisclosed`: the votes are shown after the end only, as counts.
 */
export type Poll = Base &
	Readonly<{ kind: "poll"; question: string; answers: readonly PollAnswer[]; undisclosed?: true }>;
/** A vote for these answers of the poll, which replaces the sender's earlier votes; never in words where `undisclosed`. */
export type Vote = Base &
	Readonly<{ kind: "vote"; target: Reference; answers: readonly PollAnswer[]; undisclosed?: true }>;
/** The end of a poll, with its result as `text`. */
export type PollEnd = Base & Readonly<{ kind: "poll-end"; target: Reference; text: string }>;
/** A join or leave of `sender`; `by` is the moderator of a kick or ban. */
export type Membership = Base &
	Readonly<{ kind: "membership"; change: "join" | "leave"; by?: string; reason?: string }>;
/**
 * The acts of moderators upon other people of a room. kick: out of it, free to come again. ban: out of it until an unban.
 * mute: may only read there until an unmute.
 */
export type ModerationAct = "kick" | "ban" | "unban" | "mute" | "unmute";
/** One act upon `whom`, a person of any network. */
export type Deed = Readonly<{ act: ModerationAct; whom: Person }>;
/**
 * An act of `sender`, and all that the same event did `also` to others. The leave of somebody who is removed is an event of
 * its own.
 */
export type Moderation = Base &
	Deed &
	Readonly<{ kind: "moderation"; also?: readonly Deed[]; reason?: string }>;
/** A new name or picture of `sender`, who has both now. */
export type Profile = Base & Readonly<{ kind: "profile" }>;
/** The number of values that one stands for, and the time of the first of them, in ms since 1970. */
export type Digest = Readonly<{ values: number; since: number }>;
/**
 * The current value of a thing, such as the reading of a sensor; null clears it. `label` is its display name within the
 * room. `replaces` is the message that shows an earlier value: rooms with edits show this value in its place. `digest`:
 * the value is the last of several that came too fast. `media`: the value is this picture, and `value` tells of it in words.
 */
export type State = Base &
	Readonly<{
		kind: "state";
		key: string;
		label: string;
		value: string | null;
		replaces?: Reference;
		digest?: Digest;
		media?: Media;
	}>;

/**
 * The neutral events. Each switch over `kind` ends in `satisfies never`, so that the compiler lists the places a new
 * kind touches.
 */
export type BridgeEvent =
	| Message
	| Edit
	| Redaction
	| Reaction
	| Poll
	| Vote
	| PollEnd
	| Membership
	| Moderation
	| Profile
	| State;
export type Kind = BridgeEvent["kind"];
