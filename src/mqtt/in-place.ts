import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import type { Reference } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Cursor } from "../core/network.ts";

/** Things whose current message is remembered; the next value of a forgotten one is a new message. */
const remembered = 20_000;
/**
 * A message is replaced by a new one after so many values, or so much time in ms, so that it stays near the end of the room
 * and the room keeps a history.
 */
const [mostValues, longest] = [200, 24 * 60 * 60_000];

/** The beginning of the keys under which the current messages are stored. */
const prefix = "mqtt shown ";
/**
 * The message that shows the values of a thing. `at`: the time of its first value, `edited`: that of the last one that this run
 * has shown; in ms since 1970.
 */
type Shown = { readonly id: MessageId; readonly at: number; values: number; edited: number };

/** Keeps for each thing and room the one message that shows its values in place. */
export function createInPlace() {
	const shown = createBoundedMap<string, Shown>(remembered, {
		bytes: 8 * 1_048_576,
		of: (key, { id }) => textBytes(key, id) + 100,
	});
	/** Messages that began since the last call of `changes`. */
	let begun: string[] = [];
	const keyOf = (room: RoomId, topic: string) => `${prefix}${room}\n${topic}`;

	return {
		prefix,
		/** Takes the stored messages of an earlier run. */
		load(cursors: readonly Cursor[]): void {
			for (const { key, value } of cursors) {
				const [at = "", ...id] = value.split(" ");
				shown.set(key, { id: id.join(" ") as MessageId, at: Number(at), values: 0, edited: 0 });
			}
		},
		/** Returns for how many ms the message of a thing has to stay as it is at `now`, if `pause` ms lie between two edits. */
		rests(room: RoomId, topic: string, pause: number, now: number): number {
			const { edited = 0 } = shown.get(keyOf(room, topic)) ?? {};
			// A clock that was set back must not silence a topic.
			return edited === 0 || edited > now ? 0 : Math.max(0, edited + pause - now);
		},
		/** Notes that the message of a thing shows a new value. */
		edited(room: RoomId, topic: string, at: number): void {
			const known = shown.get(keyOf(room, topic));
			if (known) known.edited = at;
		},
		/** Returns the message that the value `id` of a thing replaces; undefined if the value begins a new one. */
		replaces(room: RoomId, topic: string, id: MessageId, at: number): Reference | undefined {
			const key = keyOf(room, topic);
			const known = shown.get(key);
			if (known && known.values < mostValues && at - known.at < longest) {
				known.values++;
				return { id: known.id };
			}
			shown.set(key, { id, at, values: 0, edited: 0 });
			begun.push(key);
			return undefined;
		},
		/** Returns the messages to store: those that began since the last call. */
		changes(): readonly Cursor[] {
			const changed = begun.flatMap((key) => {
				const { id, at } = shown.get(key) ?? {};
				return id === undefined ? [] : [{ key, value: `${at} ${id}` }];
			});
			begun = [];
			return changed;
		},
		/** Forgets the message of a thing: it was not taken. */
		forget: (room: RoomId, topic: string): void => void shown.delete(keyOf(room, topic)),
		/** Returns the beginning of the keys of a room. */
		ofRoom: (room: RoomId): string => `${prefix}${room}\n`,
	};
}
