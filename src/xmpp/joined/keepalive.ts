import type { Context } from "./context.ts";
import { cursorOf } from "./cursor.ts";
import { NotMember } from "./join-refusals.ts";
import { keepJoined } from "./listener.ts";
import { noteHeard } from "./listening.ts";
import { isIn } from "./own-occupants.ts";
import { markSaved, moveTime } from "./read-position.ts";
import { type Room, readable } from "./room.ts";
import { selfPing } from "./self-ping.ts";

/** Time, in ms, after which the listener self-pings a silent MUC (XEP-0410). */
const idleFor = 120_000;
/** How often, in ms, silent MUCs are looked for, and over how long the self-pings of MUCs that fell silent together are spread. */
const [askEvery, spreadOver] = [5_000, 60_000];
/** How often, in ms, the other work of all MUCs is looked for. */
const lookEvery = 30_000;
/** Time, in ms, after which a MUC for members only is asked again, as nobody tells us that we were let in. */
const letInAgainAfter = 5 * 60_000;
/** Time, in ms, after which the time of the read position moves on in a silent MUC without an archive. */
const silentFor = 10 * 60_000;

/** Self-pings silent MUCs, and saves read positions that no event has carried to the disk. */
export function createKeepalive(rooms: ReadonlyMap<string, Room>, context: Context) {
	let timers: NodeJS.Timeout[] = [];

	function look(): void {
		const { at } = context.now();
		for (const room of rooms.values()) {
			const { active } = room.listening;
			const { read } = room.position;
			if (room.listening.barred instanceof NotMember && at - room.listening.triedAt >= letInAgainAfter)
				keepJoined(room, context);
			if (!isIn(active) || room.backfill.gap) continue;
			// No event carries the position of our own lines, nor of stanzas that make none.
			if (read && read !== room.position.saved) {
				context.save(cursorOf(room, read));
				markSaved(room.position);
			}
		}
	}

	/** Self-pings some of the MUCs that are silent: a server that hosts a thousand of them must not get all at once. */
	function askSilent(): void {
		const { at } = context.now();
		let left = Math.ceil((rooms.size * askEvery) / spreadOver);
		for (const room of rooms.values()) {
			const { active, heardAt } = room.listening;
			if (!isIn(active) || room.backfill.gap || at - heardAt < idleFor) continue;
			if (left-- === 0) return;
			noteHeard(room.listening, at);
			selfPing(room, active, context)
				.then(() => silent(room, at))
				.catch((error: unknown) =>
					context.log.warn({ err: error, room: room.jid }, "the self-ping of a silent MUC failed"),
				);
		}
	}

	function silent(room: Room, at: number): void {
		const { read } = room.position;
		if (!isIn(room.listening.active)) keepJoined(room, context);
		// Without an archive the position is a time. It must not grow so old that the dedupe keys since then are forgotten.
		else if (read && !readable(room) && at - read.at > silentFor) moveTime(room.position, at);
	}

	return {
		start(): void {
			if (timers.length > 0) return;
			timers = [
				setInterval(() => void context.guard.run("timer of the MUCs", look), lookEvery),
				setInterval(() => void context.guard.run("timer of silent MUCs", askSilent), askEvery),
			];
		},
		stop(): void {
			for (const timer of timers) clearInterval(timer);
			timers = [];
		},
	};
}
