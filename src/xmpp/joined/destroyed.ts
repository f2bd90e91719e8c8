import { boundedId } from "../../core/ids.ts";
import { bare, longestBare } from "../jid.ts";
import * as phrases from "../phrases.ts";
import type { Context } from "./context.ts";
import { notice } from "./notice.ts";
import type { Room } from "./room.ts";

/** MUCs that their owners have destroyed (XEP-0045 §10.9), and the ones that take their place. */

/** Each of our occupants hears of the end: the portal reads it once in this time, in ms. */
const oneWithin = 60_000;
const told = new WeakMap<Room, number>();

const keyOf = (room: Pick<Room, "jid">) => `alternate of ${room.jid}`;

/** Tells the portal that the MUC was destroyed, and notes the one at `alternate`, in its place. Returns the words. */
export function tellOfEnd(room: Room, alternate: string | undefined, context: Context): string {
	const next = alternate && boundedId(bare(alternate), longestBare);
	const why = phrases.mucGone(room.jid, next || undefined);
	const now = context.now();
	if (now.at - (told.get(room) ?? 0) < oneWithin) return why;
	told.set(room, now.at);
	if (next) context.save({ key: keyOf(room), value: next });
	context.tell([notice(room, !next ? why : `${why} ${phrases.mucFollow}`, now)]);
	return why;
}

/** Resolves with the JID of the MUC that takes the place of a destroyed one, as its owners named it. */
export const alternateOf = (jid: string, { cursor }: Pick<Context, "cursor">): Promise<string | undefined> =>
	cursor(keyOf({ jid }));

/** Forgets the MUC that takes the place of one into which the bridge came again. */
export async function forgetEnd(room: Room, context: Context): Promise<void> {
	if ((await alternateOf(room.jid, context)) !== undefined) forgetAlternate(room, context);
}

/** Forgets the MUC that takes the place of one that is linked no more. */
export const forgetAlternate = (room: Room, context: Context): void =>
	context.save({ key: keyOf(room), value: undefined });
