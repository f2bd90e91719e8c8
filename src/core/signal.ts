import type { Reference } from "./event.ts";
import type { MessageId, RoomId } from "./ids.ts";
import type { Link, Portal } from "./mapping.ts";
import type { Person } from "./person.ts";

/**
 * Signals: typing, read positions, receipts and presences. Core neither journals nor repeats
 * them, and drops them while their target is away.
 */

/** `sender` writes in the room; not active: they have stopped, or sent it. */
export type Typing = Readonly<{ kind: "typing"; room: RoomId; sender: Person; active: boolean }>;
/** `sender` has read the room up to `target`. */
export type Read = Readonly<{ kind: "read"; room: RoomId; sender: Person; target: Reference }>;
/** A client of `sender` has received `target`, in a chat of two. */
export type ReceivedSignal = Readonly<{ kind: "received"; room: RoomId; sender: Person; target: Reference }>;
/**
 * `sender` is there, or is not. It goes to the partners of their chats of two; with a `room`, such as a device has one, to
 * the other rooms of its portals instead.
 */
export type Presence = Shown & Readonly<{ kind: "presence"; room?: RoomId; sender: Person }>;
/** Whether somebody is there, with their own words about it as one line. */
export type Shown = Readonly<{ show: "online" | "away" | "busy" | "offline"; status?: string }>;
export type Signal = Typing | Read | ReceivedSignal | Presence;

/** A signal as its target network is to show it. */
export type SignalOut = Readonly<{
	signal: Signal;
	portal: Portal;
	link: Link;
	room: RoomId;
	/** The ids in `room` of the message that the signal names, the latest last; of a signal that names one never empty. */
	ids: readonly MessageId[];
}>;

/** Returns the text that is equal for signals of which a later one replaces an earlier one. */
export const subjectOf = (signal: Signal): string =>
	[signal.kind, signal.sender.network, signal.room ?? "", signal.sender.id].join(" ");
