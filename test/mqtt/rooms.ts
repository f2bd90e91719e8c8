import type { MessageId } from "../../src/core/ids.ts";
import { createMirrorRooms } from "../../src/mqtt/mirror-rooms.ts";

export type Rooms = ReturnType<typeof createMirrorRooms>;
type Deps = Parameters<typeof createMirrorRooms>[0];

/** The rooms of mirrors without a network: nothing is counted, and no time passes unless a test says so. */
export const mirrorRooms = (over: Partial<Deps> = {}): Rooms =>
	createMirrorRooms({
		filtered: () => undefined,
		receive: async () => undefined,
		later: () => () => undefined,
		guarded: (_, sort) => sort,
		...over,
	});

/** Brings a value of a topic, at a time in ms, and returns the events that show it at once. */
export function bring(
	rooms: Rooms,
	topic: string,
	value: string | Uint8Array,
	{
		id = "m",
		at = 0,
		filter = "#",
		...more
	}: Readonly<{ id?: string; at?: number; filter?: string; mime?: string; retain?: true }> = {},
) {
	const arrival = { qos: 1 as const, dup: false, retain: false, packetId: 1, subscriptions: [], copy: false };
	const message = { ...arrival, topic, payload: Buffer.from(value), subscribed: [filter], ...more };
	return rooms.show(message, { broker: "home", wanted: [filter], id: id as MessageId, at });
}
