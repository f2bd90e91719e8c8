import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { account, xmppNetwork } from "../from-xmpp.ts";
import { bare } from "../jid.ts";
import type { Participants } from "../message/feature.ts";

/** The room of a chat of two: an account and a ghost. Pure. */

/** Returns the room of a pair. It holds both bare JIDs, which contain no space, so that it is found without I/O. */
export const pairRoom = (theirs: string, ghost: string) => `${bare(theirs)} ${bare(ghost)}` as RoomId;

/** Returns the account and the ghost of a room; the ghost is empty for a room that is no pair. */
export const pairOf = (room: string): readonly [theirs: string, ghost: string] => {
	const [theirs = "", ghost = ""] = room.split(" ");
	return [theirs, ghost];
};

/** Returns who is who in a chat of two. `ours` is the person of the ghost. */
export const participantsOf = (theirs: string, ghost: string, ours: Person): Participants => ({
	named: "msg",
	at: (jid) => (bare(jid) === ghost ? ours : bare(jid) === theirs ? account(theirs) : undefined),
	known: () => undefined,
	of: (person) =>
		person.network !== xmppNetwork ? { jid: ghost } : person.id === theirs ? { jid: theirs } : {},
});
