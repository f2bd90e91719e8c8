import type { RoomId } from "../../core/ids.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { bare } from "../jid.ts";
import type { Participants } from "../message/feature.ts";

/** The room of a private chat: a person in a MUC, and a ghost that is an occupant there, too. Pure. */

export type Place = Readonly<{
	/** The bare JID of the MUC. */
	muc: string;
	/** The id of the person as an occupant. It outlives changes of the nick. */
	person: string;
	/** The bare JID of the ghost. */
	ghost: string;
}>;

/** Returns the room of a private chat. No JID begins with a slash, so it is no MUC and no pair of accounts. */
export const privateRoom = ({ muc, person, ghost }: Place): RoomId =>
	`/${encodeURIComponent(muc)}/${encodeURIComponent(person.toWellFormed())} ${bare(ghost)}` as RoomId;

/** Returns the place of a private chat; undefined for any other room. */
export function placeOf(room: string): Place | undefined {
	const [, muc, person, ghost] = /^\/([^/ ]+)\/([^/ ]+) (.+)$/.exec(room) ?? [];
	if (muc === undefined || person === undefined || ghost === undefined) return undefined;
	return { muc: decodeURIComponent(muc), person: decodeURIComponent(person), ghost };
}

/** Returns who is who in a private chat. */
export const participantsOf = ({ person, ghost }: Place): Participants => ({
	named: "msg",
	at: () => undefined,
	known: () => undefined,
	of: (one) =>
		one.network !== xmppNetwork ? { jid: ghost } : one.id === person ? { nick: one.name ?? "" } : {},
});
