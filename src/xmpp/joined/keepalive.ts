import type { Context } from "./context.ts";
import { cursorOf } from "./cursor.ts";
import { selfPing } from "./listener.ts";
import { isIn } from "./own-occupants.ts";
import { type Room, readable } from "./room.ts";

/** XEP-0410: a room that was silent for so long is asked whether it still knows us. */
const idleFor = 120_000;
const idleCheck = 30_000;
const silentFor = 10 * 60_000;

/** What is done now and then for rooms in which nothing is said. */
export function createKeepalive(
	rooms: ReadonlyMap<string, Room>,
	context: Context,
	on: {
		/** The room does not know its activeListener any more. */
		lost(room: Room): void;
		failed(room: Room): (error: unknown) => void;
	},
) {
	let timer: NodeJS.Timeout | undefined;

	function look(): void {
		const { at } = context.now();
		for (const room of rooms.values()) {
			const { activeListener, gap, read } = room;
			if (!isIn(activeListener) || gap) continue;
			// Own lines, and what says nothing in words, are not passed on: their ids are saved now and then.
			if (read && read !== room.saved) {
				context.save(cursorOf(room, read));
				room.saved = read;
			}
			if (at - room.heardAt < idleFor) continue;
			room.heardAt = at;
			selfPing(room, activeListener, context)
				.then(() => silent(room, at))
				.catch(on.failed(room));
		}
	}

	function silent(room: Room, at: number): void {
		const { activeListener, read } = room;
		if (!isIn(activeListener)) on.lost(room);
		// Where only times tell what was read, those of a silent room are kept young: ids of old lines are forgotten.
		else if (read && !readable(room) && at - read.at > silentFor) room.read = { ...read, at };
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
