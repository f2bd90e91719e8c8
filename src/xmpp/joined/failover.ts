import type { Context } from "./context.ts";
import { rejoin } from "./join.ts";
import { keepJoined } from "./listener.ts";
import { takeOver } from "./listening.ts";
import { isConfirmed, isIn, putOut, setConfirmed } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { selfPing } from "./self-ping.ts";

/**
 * Makes another own occupant the active listener after the last one was lost. The MUC sends all of us the same lines in
 * the same order, so none is missed. Returns false where no confirmed occupant is in.
 */
export function failOver(room: Room, context: Context): boolean {
	const { active } = room.listening;
	const next = [...room.ours.byJid.values()].find((ours) => ours !== active && isConfirmed(ours));
	if (!next) return false;
	context.log.info(
		{ room: room.jid, from: active.jid, to: next.jid },
		"another own occupant became the active listener",
	);
	takeOver(room.listening, next);
	checkTakeover(room, context).catch((error: unknown) =>
		context.log.warn({ err: error, room: room.jid }, "the check of the new active listener failed"),
	);
	return true;
}

/**
 * Self-pings the new listener, as the MUC may have put it out, too, without our hearing of it. If it is in, lost
 * occupants rejoin; if not, the listener joins again and the lines between are backfilled.
 */
async function checkTakeover(room: Room, context: Context): Promise<void> {
	const { active } = room.listening;
	setConfirmed(active, false);
	await selfPing(room, active, context);
	if (active !== room.listening.active || room.closed) return;
	if (isConfirmed(active)) {
		for (const ours of room.ours.byJid.values())
			void context.guard.run("return to a MUC", () => rejoin(room, ours, context));
		return;
	}
	if (isIn(active)) putOut(room.ours, active);
	keepJoined(room, context);
}
