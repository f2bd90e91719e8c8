import type { BridgeEvent } from "./event.ts";
import type { NetworkName, RoomId } from "./ids.ts";
import { hash } from "./operation.ts";

/**
 * The guard against loops through several bridges. Each delivery names the rooms that its event has passed, so that
 * another bridge returns it to none of them. Rooms are named by marks, since their people need not know of each other.
 */

/**
 * The most rooms that an event may have passed. Three organisations, each with a room of its own around two shared ones,
 * make a way of five; a longer one is a loop through bridges that do not pass the marks on in full.
 */
export const mostPassed = 5;
const markLength = 16;

/** Returns the mark of a room, the same in every bridge. */
export const roomMark = (network: NetworkName, room: RoomId): string =>
	hash("passed", network, room).slice(0, markLength);

/** Returns the marks in a list that another bridge wrote, up to one more than an event may have. */
export const marksIn = (list: readonly unknown[]): readonly string[] =>
	list
		.slice(0, mostPassed + 1)
		.filter((one): one is string => typeof one === "string" && /^[\w-]{1,32}$/.test(one));

/** Returns the marks that a delivery of the event carries: those that it came with, and that of its own room. */
export const passedBy = ({ passed = [], sender, room }: BridgeEvent): readonly string[] => [
	...passed,
	roomMark(sender.network, room),
];

/** Returns true for an event that no bridge may pass on. */
export const isLoop = ({ passed = [] }: BridgeEvent): boolean => passed.length >= mostPassed;

/** Returns true for an event that has passed this room. */
export const hasPassed = ({ passed = [] }: BridgeEvent, network: NetworkName, room: RoomId): boolean =>
	passed.includes(roomMark(network, room));
