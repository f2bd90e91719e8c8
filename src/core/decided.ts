import type { BridgeEvent } from "./event.ts";
import type { MessageId, RoomId } from "./ids.ts";
import type { Reaction, Row } from "./journal.ts";
import type { Link } from "./mapping.ts";
import type { Refs, Support } from "./network.ts";

/** What the first attempt made of an event; every later one sends the same, for it may be there already. */
export type Form = Readonly<{
	event: BridgeEvent;
	refs: Refs;
	shown: readonly Reaction[];
	reactions: Support;
	/** All that its sender shows on a message from then on, be it as reactions or told in words. */
	set?: Readonly<{ on: MessageId; emoji: readonly string[] }>;
}>;
/** What the journal keeps of that: where it went to and, unless the event alone makes it, its form. */
type Decided = Readonly<{ room: RoomId; form?: Form }>;

/** What a later look might decide otherwise, as text for the journal; nothing for plain words in a room of many. */
export function toKeep(link: Link, room: RoomId, form: Form): string | undefined {
	const { event, refs } = form;
	// A file that went as words may go as itself once there is a place for it.
	const file = "media" in event && event.media !== undefined;
	const open = Object.keys(refs).length > 0 || event.kind === "poll" || file;
	// A chat of two may move to another room.
	if (!open && link.role !== "direct") return undefined;
	return JSON.stringify({ room, ...(open && { form }) } satisfies Decided);
}

/** A row that was never sent is looked at anew. */
export const decidedBefore = ({ attempts, request }: Row): Decided | undefined =>
	attempts > 0 && request !== undefined ? (JSON.parse(request) as Decided) : undefined;
