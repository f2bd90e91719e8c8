import { PermanentError } from "../../core/errors.ts";
import { bare } from "../jid.ts";
import type { Context } from "./context.ts";
import { bar, type OwnOccupant, unbar } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** The own occupants that a moderator of a MUC removed, on disk: a restart of the bridge must not bring them back. */

const prefixOf = (room: Room) => `barred ${room.jid} `;
const keyOf = (room: Room, ours: OwnOccupant) => prefixOf(room) + bare(ours.jid);

/** Keeps a person's occupant out, in later runs as well, until its person leaves and comes again. */
export function barForGood(room: Room, ours: OwnOccupant, why: PermanentError, context: Context): void {
	bar(ours, why);
	if (ours.person) context.save({ key: keyOf(room, ours), value: why.message });
}

/** The bans of our people, on disk: unlike a bar, a ban stays when its person has left. */
const banOf = (room: Room, ours: OwnOccupant) => `banned ${room.jid} ${bare(ours.jid)}`;

export const noteBan = (room: Room, ours: OwnOccupant, context: Context): void =>
	context.save({ key: banOf(room, ours), value: "banned" });

/** Resolves with true for an occupant whom the MUC banned, as far as the bridge knows. */
export const wasBanned = async (room: Room, ours: OwnOccupant, context: Context): Promise<boolean> =>
	(await context.cursor(banOf(room, ours))) !== undefined;

/** Forgets the ban of an occupant that the MUC lets in again, and its bar, which an earlier run may have left on disk. */
export function endBan(room: Room, ours: OwnOccupant, context: Context): void {
	for (const key of [banOf(room, ours), keyOf(room, ours)]) context.save({ key, value: undefined });
	unbar(ours);
}

/** Lets an occupant try to join again. */
export function endBar(room: Room, ours: OwnOccupant, context: Context): void {
	if (ours.barred) context.save({ key: keyOf(room, ours), value: undefined });
	unbar(ours);
}

/** Resolves with the test of the own occupants of a MUC that an earlier run kept out, which goes on. */
export async function barredBefore(room: Room, context: Context): Promise<(ours: OwnOccupant) => boolean> {
	const stored = new Map((await context.cursors(prefixOf(room))).map(({ key, value }) => [key, value]));
	return (ours) => {
		const why = stored.get(keyOf(room, ours));
		if (why !== undefined && !ours.barred) bar(ours, new PermanentError("forbidden", why));
		return ours.barred !== undefined;
	};
}
