import type { RoomId } from "./ids.ts";

/** The name and topic of a room on its own network. */
export type RoomInfo = Readonly<{
	room: RoomId;
	/** The canonical address, if another spelling was typed. */
	address?: readonly string[];
	name?: string;
	topic?: string;
	/** Of a room to be made: the people whom it is for. Absent: everybody who knows its address may join. */
	invites?: readonly string[];
	/** The mark of the room of which this one is a view, in another bridge; see passed-rooms.ts. */
	shows?: string;
}>;
