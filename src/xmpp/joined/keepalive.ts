import type { Context } from "./context.ts";
import { cursorOf } from "./cursor.ts";
import { keepJoined } from "./listener.ts";
import { noteHeard } from "./listening.ts";
import { isIn } from "./own-occupants.ts";
import { markSaved, moveTime } from "./read-position.ts";
import { type Room, readable } from "./room.ts";
import { selfPing } from "./self-ping.ts";

/** XEP-0410: a room that was silent for so long is asked whether it still knows us. */
const idleFor = 120_000;
const idleCheck = 30_000;
const silentFor = 10 * 60_000;

/** What is done now and then for rooms in which nothing is said. */
export function createKeepalive(rooms: ReadonlyMap<string, Room>, context: Context) {
	let timer: NodeJS.Timeout | undefined;

	function look(): void {
		const { at } = context.now();
		for (const room of rooms.values()) {
			const { active } = room.listening;
			const { read } = room.position;
			if (!isIn(active) || room.backfill.gap) continue;
			// Own lines, and what says nothing in words, are not passed on: their ids are saved now and then.
			if (read && read !== room.position.saved) {
				context.save(cursorOf(room, read));
				markSaved(room.position);
			}
			if (at - room.listening.heardAt < idleFor) continue;
			noteHeard(room.listening, at);
			selfPing(room, active, context)
				.then(() => silent(room, at))
				.catch((error: unknown) =>
					context.log.warn({ err: error, room: room.jid }, "the room is not served"),
				);
		}
	}

	function silent(room: Room, at: number): void {
		const { read } = room.position;
		if (!isIn(room.listening.active)) keepJoined(room, context);
		// Where only times tell what was read, those of a silent room are kept young: ids of old lines are forgotten.
		else if (read && !readable(room) && at - read.at > silentFor) moveTime(room.position, at);
	}

	return {
		start(): void {
			timer ??= setInterval(() => void context.guard.run("timer of the MUCs", look), idleCheck);
		},
		stop(): void {
			clearInterval(timer);
			timer = undefined;
		},
	};
}
