import type { RoomId } from "../core/ids.ts";
import type { Make } from "../core/mapping.ts";
import * as phrases from "./phrases.ts";
import { compileTopicTemplate, type TopicTemplate } from "./template.ts";
import { placeOf, roomOf } from "./topics.ts";

/** A mirror whose topics get rooms of their own, as the config writes it. */
export type TopicRooms = Readonly<{
	/** The name of each room within our addresses: a template over the levels of the topic. */
	room: string;
	/** The name of each room for people; a template, too. Absent: the address, with spaces for the marks between words. */
	roomName?: string;
	/** Most rooms; the values of further topics share one. */
	rooms: number;
	/** The people whom the rooms are for. */
	invite: readonly string[];
}>;

/** The beginning of the id of a room of a topic: the template that named it, and the name. */
type Own = Readonly<{ of: string; room: string }>;

/** The name of the room for the topics above the bound, in the place of their levels. */
const further = "+";

/** Returns the part of a room's id that tells whose room it is; undefined for a mirror with one room. */
export function ownOf(room: RoomId): Own | undefined {
	const { shape } = placeOf(room);
	if (!shape.startsWith('{"of":')) return undefined;
	return JSON.parse(shape) as Own;
}

/** Returns the id that stands for all rooms of a mirror that makes rooms. */
export const makingRoom = ({
	broker,
	topic,
	room,
}: Readonly<{ broker: string; topic: string; room: string }>) =>
	roomOf(broker, topic, JSON.stringify({ of: room }));

/** Returns the id of the mirror that a room belongs to: its own id, if no mirror has made it. */
export function mirrorOf(room: RoomId): RoomId {
	const own = ownOf(room);
	if (!own) return room;
	const { broker, filter } = placeOf(room);
	return makingRoom({ broker, topic: filter, room: own.of });
}

/** Returns the rooms of the topics of one mirror. */
export function createTopicRooms(
	mirror: TopicRooms & Readonly<{ broker: string; topic: string }>,
	/** Called for a room that has to be made. */
	opened: (room: RoomId, make: Make) => void,
) {
	const { broker, topic: filter, rooms: most, invite } = mirror;
	const address = compileTopicTemplate(mirror.room);
	const called = mirror.roomName === undefined ? undefined : compileTopicTemplate(mirror.roomName);
	const known = new Set<RoomId>();
	/** The common room is there. */
	let shared = false;
	const idOf = (room: string) => roomOf(broker, filter, JSON.stringify({ of: mirror.room, room }));
	const common = idOf(address.filled(further));
	const readable = (text: string) => text.replaceAll(/[_-]+/g, " ").trim() || filter;

	function make(room: string, name: TopicTemplate | undefined, topic: string): Make {
		return { address: [room], name: name?.(topic) || readable(room), invites: invite };
	}

	return {
		broker,
		filter,
		/** Takes a room of an earlier run. */
		add(room: RoomId): void {
			if (room === common) shared = true;
			else known.add(room);
		},
		remove(room: RoomId): void {
			if (room === common) shared = false;
			else known.delete(room);
		},
		/** Returns true for a room that this mirror makes. */
		owns: (room: RoomId): boolean =>
			ownOf(room)?.of === mirror.room && room === idOf(ownOf(room)?.room ?? ""),
		/** Returns the room of a topic; undefined for a topic without one that is cleared. */
		of(topic: string, cleared: boolean): RoomId | undefined {
			const named = address(topic);
			const room = idOf(named);
			if (known.has(room)) return room;
			if (cleared) return undefined;
			if (known.size < most) {
				known.add(room);
				opened(room, make(named, called, topic));
				return room;
			}
			if (shared) return common;
			shared = true;
			opened(common, {
				address: [address.filled(further)],
				name: phrases.furtherThings(filter),
				topic: phrases.furtherThingsTopic(filter, most),
				invites: invite,
			});
			return common;
		},
	};
}
