import { createBoundedMap } from "../../core/bounded-map.ts";
import type { MatrixEvent } from "../event.ts";
import { advance, type Position, settle } from "./position.ts";

type Completeness =
	/** The bridge has every event up to the position, and takes the next one as it comes. */
	| Readonly<{ is: "complete" }>
	/** The room holds these further events, oldest first, and the homeserver is to hand them over next. */
	| Readonly<{ is: "expecting"; next: readonly string[] }>
	/** The homeserver may have lost events behind the position: the room has to be read before its next event is taken. */
	| Readonly<{ is: "suspect" }>;

export type TrackedRoom = {
	readonly name: string;
	/** Absent until the first event of the room. */
	position?: Position;
	state: Completeness;
};

/** Time in ms without a transaction, while the echo of an own event is missing, after which the homeserver counts as silent. */
const silence = 60_000;
/** Ids of events that are remembered. */
const remembered = 20_000;

const [complete, suspect]: [Completeness, Completeness] = [{ is: "complete" }, { is: "suspect" }];
const expecting = (next: readonly string[]): Completeness =>
	next.length > 0 ? { is: "expecting", next } : complete;

export type LossDetection = ReturnType<typeof createLossDetection>;

/**
 * Tells which rooms may lack events that the homeserver never handed over. It reads no room and no clock: `now` and all
 * other times are in ms since 1970.
 */
export function createLossDetection() {
	const rooms = new Map<string, TrackedRoom>();
	const seen = createBoundedMap<string, true>(remembered);
	/** Those of the seen events that we read ourselves, and that the homeserver has not handed over. */
	const readEarly = createBoundedMap<string, true>(remembered);
	let handedAt = 0;
	/** The last transaction's number, where the homeserver counts its transactions. */
	let number: number | undefined;
	/** When a room was last found to hold events that the homeserver had not handed over. */
	let owedAt = 0;
	/** When we sent the first event that has not come back yet. */
	let unreturned: number | undefined;
	/** Counts the reasons for doubt: a room that was read before the last one is not complete for that. */
	let doubts = 0;

	return {
		rooms: () => rooms.values(),
		room: (name: string) => rooms.get(name),
		/** Tracks a room from a position that an earlier run saved, if any: behind that, events may be lost. */
		track(name: string, position?: Position): TrackedRoom {
			const room: TrackedRoom = { name, ...(position && { position }), state: position ? suspect : complete };
			rooms.set(name, room);
			for (const { event } of position?.since ?? []) seen.set(event, true);
			return room;
		},
		seen: (event: string) => seen.has(event),

		/** Suspects all rooms: the homeserver, or we, were away or failed the other. */
		doubt(): void {
			doubts++;
			for (const room of rooms.values()) if (room.position) room.state = suspect;
		},
		doubts: () => doubts,
		/** Begins a room anew: nobody of ours was in it, so the homeserver handed none of its events over, nor owes any. */
		begin(name: string): void {
			const room = rooms.get(name);
			if (!room) return;
			delete room.position;
			room.state = complete;
		},
		/** Suspects one room: it is not known whether somebody of ours was in it all the time. */
		suspect(name: string): void {
			const room = rooms.get(name);
			if (room?.position) room.state = suspect;
		},

		/**
		 * Notes a transaction. `skipped`: the numbers leave one out. `repeated`: it holds events that we have, so the
		 * homeserver did not hear us acknowledge them.
		 */
		handed(transaction: string, events: readonly MatrixEvent[], now: number) {
			handedAt = now;
			unreturned = undefined;
			const last = number;
			number = /^\d+$/.test(transaction) ? Number(transaction) : undefined;
			return {
				skipped: last !== undefined && number !== undefined && number > last + 1,
				repeated: events.some(({ event_id: id }) => seen.has(id) && !readEarly.has(id)),
			};
		},

		/** Whether these are the next events of their room, as far as is known. If not, the room is suspect from now on. */
		inTurn(room: TrackedRoom, events: readonly MatrixEvent[]): boolean {
			const { state } = room;
			if (state.is !== "expecting") return state.is === "complete";
			const news = events.filter(({ event_id }) => !seen.has(event_id));
			const asExpected = news
				.slice(0, state.next.length)
				.every(({ event_id }, index) => event_id === state.next[index]);
			room.state = asExpected ? expecting(state.next.slice(news.length)) : suspect;
			return asExpected;
		},

		/** Notes that a room was read, and the events behind the transaction's. `since`: {@link doubts} before the reading. */
		settle(room: TrackedRoom, since: number, next: readonly string[]): void {
			if (doubts === since) room.state = expecting(next);
		},

		/** Notes events that were taken. `read`: we read them; else the homeserver handed them over. */
		took(events: readonly MatrixEvent[], now: number, read = false): void {
			for (const { event_id: event, room_id, origin_server_ts: at } of events) {
				const room = rooms.get(room_id);
				// The homeserver may hand an event over long after we read it.
				if (room && room.state.is !== "suspect" && !seen.has(event))
					room.position = advance(room.position, { event, at }, now);
				seen.set(event, true);
				if (read) readEarly.set(event, true);
				else readEarly.delete(event);
			}
		},

		/** Moves the positions of rooms on in which nothing came in for long. */
		pass(now: number): void {
			for (const room of rooms.values())
				if (room.position && room.state.is !== "suspect") room.position = settle(room.position, now);
		},

		/** Notes that a room held events that the homeserver had not handed over. */
		owes(now: number): void {
			owedAt = now;
		},
		/** Whether the homeserver handed nothing over since it was found to owe events. */
		inDebt: () => owedAt > handedAt,

		/** Notes that we sent an event; `since` is the earliest time at which it can have come back. */
		noteSent(since: number): void {
			if (since > handedAt) unreturned ??= since;
		},
		/** Returns the time since when an echo is missing, if that is too long, else undefined. Returns each time once. */
		silentSince(now: number): number | undefined {
			if (unreturned === undefined || now - unreturned < silence) return undefined;
			const since = unreturned;
			unreturned = undefined;
			return since;
		},
		/** Time since the last transaction, in ms. */
		idle: (now: number) => now - handedAt,
	};
}
