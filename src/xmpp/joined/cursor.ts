import type { MessageId } from "../../core/ids.ts";
import type { Link } from "../../core/mapping.ts";
import type { Cursor } from "../../core/network.ts";

/** The position up to which a MUC was read, as it is stored. Pure. */
export type Read = Readonly<{
	/** The stanza-id of the last line; empty if the archive was empty, absent without an archive. */
	id?: string;
	/** The event of the last line, without an archive: a history that contains it contains all lines since. */
	last?: MessageId;
	/**
	 * When the last line was said, and when the MUC was first linked, ms since 1970. Lines from before the link are not
	 * handed on, unless the portal begins with them: then both times are 0. Both are the same until the first join.
	 */
	at: number;
	from: number;
	/** When we last read the MUC with no gap open, by our clock, ms since 1970: a missed line cannot be older. */
	heard?: number;
}>;

/** The most, in ms, that the clocks of the MUC and ours may differ. */
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

/** Returns the time since which lines can be missing, whatever time they claim. Earlier releases stored no `heard`. */
export const missingSince = ({ heard, at }: Read): number => heard ?? at;

export const wasIn = ({ at, from }: Read): boolean => at > from;
/** MUCs give times in whole seconds, rounded down. */
const begin = ({ from }: Read): number => from - (from % 1000);
/** Returns the time from which a backfill reads where no id is known. Lines that it reads twice are dropped by their ids. */
export const since = (read: Read): number => Math.max(begin(read), read.at - skew);
export const isOld = (read: Read, said: number): boolean => said < begin(read);
