import type { RoomId } from "./ids.ts";

/** The name and topic of a room on its own network; a topic of "" is none. */
export type Description = Readonly<{ name?: string; topic?: string }>;

/** Characters of the longest topic that crosses; longer ones are cut. */
const longestTopic = 5_000;
/** Returns a topic as it crosses. */
export const topicText = (topic: string): string => topic.slice(0, longestTopic).toWellFormed();

/** A room as its own network knows it. */
export type RoomInfo = Description &
	Readonly<{
		room: RoomId;
		/** The canonical address, if another spelling was typed. */
		address?: readonly string[];
		/** Of a room to be made: the people whom it is for. Absent: everybody who knows its address may join. */
		invites?: readonly string[];
		/** The mark of the room of which this one is a view, in another bridge; see passed-rooms.ts. */
		shows?: string;
	}>;
