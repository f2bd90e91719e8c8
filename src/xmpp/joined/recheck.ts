import type { Context } from "./context.ts";
import { rejoin } from "./join.ts";
import { ensureJoined } from "./listener.ts";
import { isIn } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { selfPing } from "./self-ping.ts";
import { holdForCheck } from "./send-queue.ts";

/** Self-pings all own occupants after a line was lost, and has those join again that the MUC does not know any more. */
export function recheck(room: Room, context: Context): void {
	const check = async () => {
		await Promise.all([...room.ours.byJid.values()].map((one) => selfPing(room, one, context)));
		for (const one of room.ours.byJid.values()) {
			if (!isIn(room.listening.active)) ensureJoined(room, context).catch(() => undefined);
			else void context.guard.run("return to a MUC", () => rejoin(room, one, context));
		}
	};
	holdForCheck(room.sendQueue, () => context.guard.run("check of a MUC", check));
}
