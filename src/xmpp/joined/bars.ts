import { PermanentError } from "../../core/errors.ts";
import { bare } from "../jid.ts";
import type { Context } from "./context.ts";
import { bar, type OwnOccupant, unbar } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** The own occupants that a moderator of a MUC removed, on disk: a restart of the bridge must not bring them back. */

const prefixOf = (room: Room) => `barred ${room.jid} `;
const keyOf = (room: Room, ours: OwnOccupant) => prefixOf(room) + bare(ours.jid);

/** The stored bars of each MUC, by key, once they are read. */
const stored = new WeakMap<Room, Set<string>>();

/** Keeps a person's occupant out, in later runs as well, until its person leaves and comes again. */
export function barForGood(room: Room, ours: OwnOccupant, why: PermanentError, context: Context): void {
	bar(ours, why);
	if (!ours.person) return;
	stored.get(room)?.add(keyOf(room, ours));
	context.save({ key: keyOf(room, ours), value: why.message });
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
	context.save({ key: banOf(room, ours), value: undefined });
	endBar(room, ours, context);
}

/** Lets an occupant try to join again. An earlier run may have barred a person who is no member of the portal's rooms now. */
export function endBar(room: Room, ours: OwnOccupant, context: Context): void {
	const key = keyOf(room, ours);
	const keys = stored.get(room);
	if (ours.barred || !keys || keys.has(key)) context.save({ key, value: undefined });
	keys?.delete(key);
	unbar(ours);
}

/** Forgets the bars of a MUC whose link has ended. */
export async function forgetBars(room: Room, context: Context): Promise<void> {
	for (const { key } of await context.cursors(prefixOf(room))) context.save({ key, value: undefined });
}

/** Resolves with the test of the own occupants of a MUC that an earlier run kept out, which goes on. */
export async function barredBefore(room: Room, context: Context): Promise<(ours: OwnOccupant) => boolean> {
	const bars = new Map((await context.cursors(prefixOf(room))).map(({ key, value }) => [key, value]));
	stored.set(room, new Set(bars.keys()));
	return (ours) => {
		const why = bars.get(keyOf(room, ours));
		if (why !== undefined && !ours.barred) bar(ours, new PermanentError("forbidden", why));
		return ours.barred !== undefined;
	};
}
