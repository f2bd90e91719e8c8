import { bare } from "../jid.ts";
import type { Context } from "./context.ts";
import { leave } from "./join.ts";
import { noteActive, type OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { inTurn } from "./send-queue.ts";

/** The longest and the shortest time, in ms, between two looks for idle occupants. */
const [rarely, often] = [60 * 60_000, 500];

const prefixOf = (room: Room) => `idle ${room.jid} `;
const keyOf = (room: Room, ours: OwnOccupant) => prefixOf(room) + bare(ours.jid);

/**
 * Has the occupants of silent people leave their MUCs after `idleAfter` ms; undefined: never. They join again with the next
 * event of their person. Those that left are on disk: a restart of the bridge must not bring them back.
 */
export function createIdleOccupants(
	rooms: ReadonlyMap<string, Room>,
	context: Context,
	idleAfter: number | undefined,
) {
	/** The keys of those that have left. */
	const left = new Set<string>();
	let timer: NodeJS.Timeout | undefined;

	const isIdle = (room: Room, ours: OwnOccupant): boolean =>
		idleAfter !== undefined &&
		ours.person !== undefined &&
		ours.wanted &&
		// No other occupant of ours hears the MUC for the bridge.
		ours !== room.listening.active &&
		context.now().at - ours.activeAt >= idleAfter;

	function look(): void {
		for (const room of rooms.values())
			for (const ours of room.ours.byJid.values())
				if (isIdle(room, ours)) void context.guard.run("leave of an idle occupant", () => goOut(room, ours));
	}

	const goOut = (room: Room, ours: OwnOccupant) =>
		inTurn(room.sendQueue, async () => {
			// Its person may have said something while it waited for its turn.
			if (!isIdle(room, ours)) return;
			left.add(keyOf(room, ours));
			context.save({ key: keyOf(room, ours), value: "left" });
			await leave(room, ours, context);
		});

	return {
		/** Resolves once it is known who left a MUC in an earlier run. */
		async restore(room: Room): Promise<void> {
			if (idleAfter === undefined) return;
			for (const { key } of await context.cursors(prefixOf(room))) left.add(key);
		},
		/** Returns true for an occupant that left, and whose person has done nothing since. */
		hasLeft: (room: Room, ours: OwnOccupant): boolean => left.has(keyOf(room, ours)),
		/** Notes an act of the person behind an occupant. */
		active(room: Room, ours: OwnOccupant): void {
			noteActive(ours, context.now().at);
			const key = keyOf(room, ours);
			if (left.delete(key)) context.save({ key, value: undefined });
		},
		/** Forgets those that left a MUC whose link has ended. */
		forget(room: Room): void {
			for (const key of left) {
				if (!key.startsWith(prefixOf(room))) continue;
				left.delete(key);
				context.save({ key, value: undefined });
			}
		},
		start(): void {
			if (idleAfter === undefined) return;
			const every = Math.min(rarely, Math.max(often, idleAfter / 4));
			timer ??= setInterval(() => void context.guard.run("timer of idle occupants", look), every).unref();
		},
		stop(): void {
			clearInterval(timer);
			timer = undefined;
		},
	};
}
