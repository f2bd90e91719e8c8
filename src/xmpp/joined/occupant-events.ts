import type { BridgeEvent } from "../../core/event.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { faceOf } from "../faces.ts";
import { isByNick, occupant } from "../from-xmpp.ts";
import type { RoomFeatures } from "../muc/discovery.ts";
import type { OccupantPresence, Removal } from "../muc/presence.ts";

/** The people that the occupants of a MUC are, and the events about them. Pure. */

type Muc = Readonly<{ jid: string; features: RoomFeatures }>;

/** The time, ms since 1970, and a source of ids. */
export type Now = Readonly<{ at: number; unique(): string }>;

/** Returns the person behind a presence. */
export function personOf(
	{ jid, features }: Muc,
	{ nick, real, occupantId, photo, realName, rank, hats }: OccupantPresence,
): Person {
	// In a MUC without the feature anybody can write an occupant-id (XEP-0421 §5).
	const who = occupant(jid, nick, { occupantId: features.occupantIds ? occupantId : undefined, real });
	// The next holder of a nick must not get the name of the last one.
	const beside = realName ?? (isByNick(who, jid) ? null : undefined);
	return {
		...who,
		...(beside !== undefined && { realName: beside }),
		...(rank && { rank }),
		...(hats && features.hats && { hats }),
		...faceOf(`${jid}/${nick}`, photo),
	};
}

/**
 * Returns the person with the address of its first nick, so that its ghost keeps its id across renames, and with its last
 * picture and real name if nothing newer is known.
 */
export function withFirstAddress(known: Person | undefined, who: Person): Person {
	if (known?.id !== who.id) return who;
	const { address } = known;
	const last = who.avatar === undefined ? known.avatar : who.avatar;
	const name = who.realName ?? known.realName;
	return {
		...who,
		address,
		...(name !== undefined && { realName: name }),
		...(last !== undefined && { avatar: last }),
	};
}

const base = (room: Muc, sender: Person, now: Now) => ({
	id: `presence ${now.unique()}` as MessageId,
	room: room.jid as RoomId,
	sender,
	at: now.at,
});

export const membership = (room: Muc, sender: Person, change: "join" | "leave", now: Now): BridgeEvent => ({
	kind: "membership",
	change,
	...base(room, sender, now),
});

/** Returns the act of the moderator `by` who removed an occupant from the MUC. */
export const removalOfPerson = (
	room: Muc,
	by: Person,
	whom: Person,
	{ how, reason }: Removal,
	now: Now,
): BridgeEvent => ({
	kind: "moderation",
	act: how === "banned" ? "ban" : "kick",
	whom,
	...base(room, by, now),
	...(reason && { reason }),
});

export const profileChange = (room: Muc, sender: Person, now: Now): BridgeEvent => ({
	kind: "profile",
	...base(room, sender, now),
});
