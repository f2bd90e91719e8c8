import type { Place, Range } from "./hosting.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";

/** The places of one archive that match a range. */
export type Matches = Readonly<{
	/** The oldest first. */
	places: readonly Place[];
	/** More places match than `limit`. */
	more: boolean;
	/** The number of places that match all but `limit`. */
	total: number;
	/** The first place of the archive. */
	first?: Place;
	/** Nothing precedes the first place. */
	begun: boolean;
}>;

/**
 * The order of the messages of each source room, and so of its archive. Each id has one place, and keeps it. A part of the
 * {@link Journal}, with its promises.
 */
export interface Places {
	/** Puts new places behind the last one, in this order, and ignores those whose ids the archive has. */
	append(network: NetworkName, room: RoomId, places: readonly Place[]): Promise<void>;
	/**
	 * Puts new places before the first one, in this order: they precede the message `before`, and the call does nothing if
	 * the archive does not have that. Without `before` they are the last places of the source, read while the archive was
	 * empty. `begun`: the room begins with them.
	 */
	prepend(
		network: NetworkName,
		room: RoomId,
		places: readonly Place[],
		before: MessageId | undefined,
		begun: boolean,
	): Promise<void>;
	/** Resolves with the places that match. An id of the range that the archive does not have matches nothing. */
	match(network: NetworkName, room: RoomId, range: Range): Promise<Matches>;
	/** Resolves with those places of these ids that the archive has, the oldest first. */
	find(network: NetworkName, room: RoomId, ids: readonly MessageId[]): Promise<readonly Place[]>;
	/** Forgets the archive of a room. */
	forget(network: NetworkName, room: RoomId): Promise<void>;
}
