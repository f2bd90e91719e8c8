import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { type Client, MatrixError } from "../client.ts";
import { isEvent, type MatrixEvent, redacted } from "../event.ts";
import { redactionOf } from "./places.ts";

/** Events that are kept as JSON, their bytes, and characters of one. */
const [kept, bytes, largest] = [4_000, 16 * 1_048_576, 16_000];
/** Ids of deleted events that are remembered, so that no kept copy of one is shown. */
const gone = 10_000;

export type EventStore = ReturnType<typeof createEventStore>;

/**
 * Finds the events of hosted rooms as a reader may see them. History visibility is the homeserver's: an event is shared by
 * readers only if it was said while all members might read it, and only by those who are in the room.
 */
export function createEventStore(deps: {
	client: Pick<Client, "event">;
	/** Returns true if all members may read what is said in the room now. */
	isOpenToMembers(room: string): boolean;
	isIn(room: string, ghost: string): boolean;
}) {
	const { client, isOpenToMembers, isIn } = deps;
	const events = createBoundedMap<string, string>(kept, { bytes, of: textBytes });
	const deleted = createBoundedMap<string, true>(gone);
	/** The key of an event for one reader; `""` is for all who are in the room. */
	const keyOf = (reader: string, id: string) => `${reader} ${id}`;

	function put(reader: string, event: MatrixEvent): void {
		const text = JSON.stringify(event);
		if (text.length <= largest) events.set(keyOf(reader, event.event_id), text);
	}

	function known(room: string, id: string, reader: string): MatrixEvent | undefined {
		const shared = isIn(room, reader) ? events.get(keyOf("", id)) : undefined;
		const text = shared ?? events.get(keyOf(reader, id));
		if (text === undefined) return undefined;
		const event = JSON.parse(text) as MatrixEvent;
		const outdated = deleted.has(id) && !redactionOf(event);
		return event.room_id === room && !outdated ? event : undefined;
	}

	return {
		/** Keeps an event that a transaction has brought. */
		note(event: MatrixEvent): void {
			const id = redacted(event);
			if (event.type === "m.room.redaction" && id) {
				deleted.set(id, true);
				events.delete(keyOf("", id));
			}
			if (event.state_key === undefined && isOpenToMembers(event.room_id)) put("", event);
		},
		/** Keeps an event that the homeserver has shown to this reader. */
		read: put,
		/** Returns true for an event that costs no request. */
		has: (room: string, id: string, reader: string): boolean => known(room, id, reader) !== undefined,
		/** Resolves with an event as `reader`, a ghost, may see it; undefined if it may not. @throws TemporaryError */
		async find(room: string, id: string, reader: string): Promise<MatrixEvent | undefined> {
			const recent = known(room, id, reader);
			if (recent) return recent;
			try {
				const event = await client.event(room, id, reader);
				if (!isEvent(event) || event.room_id !== room) return undefined;
				put(reader, event);
				return event;
			} catch (error) {
				if (error instanceof MatrixError) return undefined;
				throw error;
			}
		},
	};
}
