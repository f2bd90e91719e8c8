import type { Support } from "./capabilities.ts";
import type { LinkId, NetworkName, PortalId, RoomId, UserId } from "./ids.ts";
import type { Person } from "./person.ts";

/** What a link joins the portal to; see ARCHITECTURE.md for the words. */
export type Role = "joined" | "hosted" | "direct" | "mirror";

/** One room's place in a portal. */
export type Link = Readonly<{
	id: LinkId;
	network: NetworkName;
	role: Role;
	/** Absent while the room still has to be made, which the first delivery does. */
	room?: RoomId;
	/** What is said there goes to the other links. */
	in: boolean;
	/** What is said elsewhere goes there. */
	out: boolean;
	/** We made the room (not somebody who linked it), so we may close it. */
	ours?: true;
}>;

/** One conversation: the rooms that hear each other. */
export type Portal = Readonly<{
	id: PortalId;
	links: readonly Link[];
	/** A 1:1 chat: its two people, each of their own network. */
	between?: readonly [Person, Person];
	settings?: Settings;
}>;

/** What people of a room have chosen for it; absent: as the room's networks are. */
export type Settings = Readonly<{ reactions?: Support }>;

/** Our account for `person` on network `on`. */
export type Ghost = Readonly<{
	person: Person;
	on: NetworkName;
	address: UserId;
	/** The display name set there last, so that it is set only when it changes. */
	name?: string;
}>;

/**
 * The slow facts. Every method is atomic, resolves when the write is on disk, and rejects only when the store has
 * failed for good (the process then stops: memory and disk differ).
 */
export interface Mapping {
	open(): Promise<void>;
	close(): Promise<void>;
	portals(): Promise<readonly Portal[]>;
	portal(id: PortalId): Promise<Portal | undefined>;
	/** The portals a room is in: one, but for a topic that feeds several. */
	portalsOf(network: NetworkName, room: RoomId): Promise<readonly Portal[]>;
	/** The 1:1 portal of two people, in either order. */
	portalBetween(one: Person, other: Person): Promise<Portal | undefined>;
	savePortal(portal: Portal): Promise<void>;
	removePortal(id: PortalId): Promise<void>;
	ghost(person: UserId, of: NetworkName, on: NetworkName): Promise<Ghost | undefined>;
	ghostAt(on: NetworkName, address: UserId): Promise<Ghost | undefined>;
	/** Whether there is space for one more ghost, in all and in the shares of this person's room and domain. */
	takes(person: Person): Promise<boolean>;
	/** @throws PermanentError when the store takes no new people, Error when the address is another person's. */
	saveGhost(ghost: Ghost): Promise<void>;
	setting(key: string): Promise<string | undefined>;
	saveSetting(key: string, value: string): Promise<void>;
	/** The value of `key`, or `make()` stored under it: of two calls at once one wins and both get its value. */
	once(key: string, make: () => string): Promise<string>;
	/**
	 * Writes all of it to a new file that only we can read, with every write that was resolved before the call and, of
	 * those made meanwhile, none without the ones before; put in place of the mapping's own it restores it.
	 * @throws Error when the file is there or cannot be written; the mapping goes on.
	 */
	backup(file: string): Promise<void>;
	/** How many portals, ghosts and settings there are. */
	count(): Promise<number>;
}
