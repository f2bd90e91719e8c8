import type { Support } from "./capabilities.ts";
import type { LinkId, NetworkName, PortalId, RoomId, UserId } from "./ids.ts";
import type { Person } from "./person.ts";

/** The kind of room that a link joins to the portal; see “Words” in ARCHITECTURE.md. */
export type Role = "joined" | "hosted" | "direct" | "mirror";

/** How to make the room of a link: its address and name, and the people whom it is for, as their network spells them. */
export type Make = Readonly<{
	address: readonly string[];
	name: string;
	topic?: string;
	invites: readonly string[];
}>;

/** A topic that gets a room of its own on `here`, which the first delivery makes. */
export type OwnRoom = Readonly<{ here: NetworkName; make: Make; there: NetworkName; topic: RoomId }>;

/** One room's place in a portal. */
export type Link = Readonly<{
	id: LinkId;
	network: NetworkName;
	role: Role;
	/** Absent until the first delivery makes the room. */
	room?: RoomId;
	/** Messages from this room go to the other links. */
	in: boolean;
	/** Messages from the other links go to this room. */
	out: boolean;
	/** The bridge made the room, so the bridge may close it. */
	ours?: true;
	/** How the first delivery makes the room; absent for a room that somebody linked, and for that of a 1:1 chat. */
	make?: Make;
}>;

/** One conversation: rooms that exchange their messages. */
export type Portal = Readonly<{
	id: PortalId;
	links: readonly Link[];
	/** The two people of a 1:1 chat, each of their own network. */
	between?: readonly [Person, Person];
	settings?: Settings;
}>;

/** The settings that people of a room chose; absent: the default of the config or of the networks. */
export type Settings = Readonly<{ reactions?: Support; roles?: Roles; policy?: Policy }>;
/** The use of people's ranks in the other rooms: none, a label behind the name, or a label and the rights of a moderator. */
export const roles = ["off", "show", "both"] as const;
export type Roles = (typeof roles)[number];
/** A list of banned people, in a room of a network; `name`: its address as it was typed. */
export type Policy = Readonly<{ network: NetworkName; list: RoomId; name: string }>;

/** Our account for `person` on network `on`. */
export type Ghost = Readonly<{
	person: Person;
	on: NetworkName;
	address: UserId;
	/** The display name that was set last, so that it is set again only when it changes. */
	name?: string;
	/** The picture that was set last: its hash, with the name of its network, and its place on the network `on`. */
	picture?: Readonly<{ hash: string; url: string }>;
}>;

/**
 * The store of facts that change slowly: portals, ghosts and settings. Every method is atomic, resolves when the write is
 * on disk, and rejects only if the store has failed for good (the process then stops, since memory and disk differ).
 */
export interface Mapping {
	open(): Promise<void>;
	close(): Promise<void>;
	portals(): Promise<readonly Portal[]>;
	portal(id: PortalId): Promise<Portal | undefined>;
	/** Resolves with the portals of a room: one, or several for a topic that is mirrored in several rooms. */
	portalsOf(network: NetworkName, room: RoomId): Promise<readonly Portal[]>;
	/** Resolves with the 1:1 portal of two people, given in either order. */
	portalBetween(one: Person, other: Person): Promise<Portal | undefined>;
	savePortal(portal: Portal): Promise<void>;
	removePortal(id: PortalId): Promise<void>;
	ghost(person: UserId, of: NetworkName, on: NetworkName): Promise<Ghost | undefined>;
	ghostAt(on: NetworkName, address: UserId): Promise<Ghost | undefined>;
	/** Resolves with true if the store has space for one more ghost: in all, and in the shares of the person's room and domain. */
	takes(person: Person): Promise<boolean>;
	/** Stores a ghost. @throws PermanentError if the store is full, Error if the address belongs to another person. */
	saveGhost(ghost: Ghost): Promise<void>;
	/** Resolves with the place of a picture that some ghost has; see {@link Ghost.picture}. */
	picture(hash: string): Promise<string | undefined>;
	setting(key: string): Promise<string | undefined>;
	saveSetting(key: string, value: string): Promise<void>;
	/** Resolves with the value of `key`; the first call stores `make()`, and concurrent calls get the same value. */
	once(key: string, make: () => string): Promise<string>;
	/**
	 * Writes a snapshot of the mapping to a new file of mode 0600, which can replace the mapping's own file. The snapshot
	 * has every write that resolved before the call, and a prefix of the writes that were made meanwhile.
	 * @throws Error if the file exists or cannot be written; the mapping goes on.
	 */
	backup(file: string): Promise<void>;
	/** Resolves with the number of portals, ghosts and settings. */
	count(): Promise<number>;
}
