import type { MessageId } from "../../core/ids.ts";
import type { Link } from "../../core/mapping.ts";
import type { Cursor } from "../../core/network.ts";

/** How far a room was read. Pure. */
export type Read = Readonly<{
	/** The stanza-id of the last line, empty where the archive was; absent where the room has no archive. */
	id?: string;
	/** The event of the last line, where only times tell what was read: a room that shows it again has shown all since. */
	last?: MessageId;
	/**
	 * When that was, and when we were first asked to be in the room, ms since 1970: what is older is none of our
	 * business. Both are the same until we have been in.
	 */
	at: number;
	from: number;
	/** When we last read the room while nothing was missed, by our clock: a line that came later cannot be older. */
	heard?: number;
}>;

/** What two clocks may differ by, in ms. */
export const skew = 5 * 60_000;

type Linked = Readonly<{ link: Pick<Link, "id"> }>;
/** Returns the key of the link's cursor. A MUC that is linked again has a new key: lines between two links are not backfilled. */
export const keyOf = (room: Linked) => `xmpp ${room.link.id}`;
export const cursorOf = (room: Linked, read: Read): Cursor => ({
	key: keyOf(room),
	value: JSON.stringify(read),
});
export const readFrom = (value: string | undefined): Read | undefined =>
	value === undefined ? undefined : (JSON.parse(value) as Read);

/** Since when lines of the room can be missing, whatever time they claim; earlier releases kept no such time. */
export const missingSince = ({ heard, at }: Read): number => heard ?? at;

export const wasIn = ({ at, from }: Read): boolean => at > from;
/** Rooms give times in whole seconds, rounded down. */
const begin = ({ from }: Read): number => from - (from % 1000);
/** From when on lines may be missing, where no id says so. What is read twice is known by its own id. */
export const since = (read: Read): number => Math.max(begin(read), read.at - skew);
export const isOld = (read: Read, said: number): boolean => said < begin(read);
