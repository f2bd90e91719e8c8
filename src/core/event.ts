import type { Copy, MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Person } from "./person.ts";
import type { Rich } from "./rich.ts";

/** A message that another one is about, by its id in the room it was pointed at. */
export type Reference = Readonly<{
	id: MessageId;
	/** An id that is known only if the sender wrote the target: what they may change. See {@link Base.aka}. */
	own?: MessageId;
	/** Where the target says it came from, if it is ours and says so: for the day when nobody else knows any more. */
	copies?: readonly Copy[];
	/** Who wrote it and what, for words where the target cannot be pointed at. */
	author?: Person;
	text?: string;
}>;

/** Something to look at or listen to. `source` is opaque: its network opens it. */
export type Media = Readonly<{
	kind: "image" | "video" | "audio" | "voice" | "sticker" | "file";
	source: Readonly<{ network: NetworkName; ref: string }>;
	name: string;
	mime?: string;
	/** Bytes. */
	size?: number;
	/** Of the bytes, in base64, where its sender told it: what comes with another one is not what was sent. */
	sha256?: string;
	/** Pixels. */
	width?: number;
	height?: number;
	/** Milliseconds. */
	duration?: number;
	/** What it shows, for those who cannot see it. */
	alt?: string;
	blurhash?: string;
	thumbnail?: Picture;
	/** Where anybody can fetch it by themselves, in case we cannot. */
	link?: string;
}>;
/** A smaller picture of something, see {@link Media}. */
export type Picture = Pick<Media, "source" | "mime" | "size" | "width" | "height" | "link">;

/** What somebody says, whatever kind of saying it is. */
export type Words = Readonly<{
	/** A notice is made by a machine: bots do not answer it. */
	style: "text" | "emote" | "notice";
	/** The words without markup; of media the caption, empty where there is none. */
	text: string;
	rich?: Rich;
	media?: Media;
	/** The further files of a message that has several, in order; what is said is said of the first. */
	more?: readonly Media[];
	location?: Readonly<{ geo: string; description?: string }>;
}>;

type Base = Readonly<{
	id: MessageId;
	/** Further ids of the same event in its room, by which others there may point at it. */
	aka?: readonly MessageId[];
	room: RoomId;
	sender: Person;
	/** When it was said, in ms since 1970, by its server's clock. */
	at: number;
	/** Caught up after a gap: shown with its time, pings nobody. */
	late?: true;
	/** In a 1:1 room: whom the sender talks to. It opens the portal when there is none yet. */
	to?: Person;
}>;

/** One whose `aka` holds the id of its own thread may be the first of it: that is known to who remembers earlier ones. */
export type Message = Base & Words & Readonly<{ kind: "message"; replyTo?: Reference; thread?: Reference }>;
/** `target` says something else from now on. It still answers what it answered, and stands in the thread it stood in. */
export type Edit = Base &
	Words &
	Readonly<{
		kind: "edit";
		target: Reference;
		replyTo?: Reference;
		thread?: Reference;
		/** `media` is known to be another file than was shown before. */
		newMedia?: true;
	}>;
/** `target` is taken back: by its author where `target.own` is known, else by a moderator. */
export type Redaction = Base &
	Readonly<{
		kind: "redaction";
		target: Reference;
		reason?: string;
		/** What the room calls the moderator it did it for. */
		by?: string;
	}>;
/** add, remove: these emoji besides the others. set: these and no others; what is sent is always a set. */
export type Reaction = Base &
	Readonly<{ kind: "reaction"; target: Reference; mode: "add" | "remove" | "set"; emoji: readonly string[] }>;
/** `text` is empty where only the id is known. */
export type PollAnswer = Readonly<{ id: string; text: string }>;
/** A question with numbered answers; a vote is a reply or reaction with the number. */
export type Poll = Base & Readonly<{ kind: "poll"; question: string; answers: readonly PollAnswer[] }>;
/** From now on its sender is for these answers of the poll and no others. */
export type Vote = Base & Readonly<{ kind: "vote"; target: Reference; answers: readonly PollAnswer[] }>;
/** `text` says how it ended. */
export type PollEnd = Base & Readonly<{ kind: "poll-end"; target: Reference; text: string }>;
/** `sender` came or went; for a kick or ban `by` did it to them. */
export type Membership = Base &
	Readonly<{ kind: "membership"; change: "join" | "leave"; by?: string; reason?: string }>;
/** `sender` is called `sender.name` from now on. */
export type Profile = Base & Readonly<{ kind: "profile" }>;
/** A thing's current value; null clears it. `label` is what the thing is called within its room. */
export type State = Base & Readonly<{ kind: "state"; key: string; label: string; value: string | null }>;

/** The neutral vocabulary. A switch over `kind` ends in `satisfies never`, so that the compiler lists what a new kind touches. */
export type BridgeEvent =
	| Message
	| Edit
	| Redaction
	| Reaction
	| Poll
	| Vote
	| PollEnd
	| Membership
	| Profile
	| State;
export type Kind = BridgeEvent["kind"];
