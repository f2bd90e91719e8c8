import type { Capabilities, Feature, Support } from "./capabilities.ts";
import type { Command, CommandCall } from "./command.ts";
import type { PermanentError } from "./errors.ts";
import type { BridgeEvent, Media } from "./event.ts";
import type { Copy, MessageId, NetworkName, OperationId, RoomId, TraceId } from "./ids.ts";
import type { Reaction } from "./journal.ts";
import type { Link, Portal } from "./mapping.ts";
import type { ByteRange, Opened } from "./media.ts";
import type { Level } from "./permissions.ts";
import type { Person } from "./person.ts";

export type Refs = Readonly<Record<string, readonly MessageId[]>>;

/** One event as its target network is to show it. */
export type Outbound = Readonly<{
	operation: OperationId;
	trace: TraceId;
	portal: Portal;
	link: Link;
	room: RoomId;
	event: BridgeEvent;
	/** For each message the event is about, by the id it is named by: its ids in `room`; none where it is not known. */
	refs: Refs;
	/**
	 * Of a reaction: what its sender shows on the target now. `event` then is the whole new set, and `send` resolves with
	 * one id for each of its emoji (or with none, where a reaction has no id of its own).
	 */
	shown: readonly Reaction[];
	/** How a reaction is to be shown: as the room's people chose, else as it can be. */
	reactions: Support;
	/** How often it was tried before; from 1 on, it may already be there. */
	attempt: number;
	/**
	 * For what must not be made twice, a file on a server say: what `make` resolved with at an earlier attempt, also of a
	 * run before this, else what it does now, which is on disk then. By its name within this delivery; JSON.
	 */
	once<T>(name: string, make: () => Promise<T>): Promise<T>;
}>;

/** A message as its room still knows it when nobody else does. */
export type Recalled = Readonly<{
	/** All its ids there, its own first. */
	ids: readonly MessageId[];
	sender: Person;
	/** Its copies on other networks, where it is an event of ours that names them. */
	copies?: readonly Copy[];
}>;
/** Something that was sent to a room, and for whom. */
export type Delivery = Readonly<{ operation: OperationId; sender: Person }>;

/** Whether the link to the server works now, and the reason where it does not. */
export type Status = Readonly<{ up: boolean; cause?: string }>;

/** The name and topic of a room on its own network. */
export type RoomInfo = Readonly<{
	room: RoomId;
	/** Its one spelling, where it was typed in another. */
	address?: readonly string[];
	name?: string;
	topic?: string;
}>;

/**
 * A network as core sees it. All addresses are lists of parts as in {@link Person.address}; for a room or person that
 * somebody typed it is the one typed text. What is optional here, a network leaves out where it has no such thing, and
 * core says so to those who ask for it.
 */
export interface Network {
	readonly name: NetworkName;
	/** The name that people read. */
	readonly title: string;
	/** Commands only this network can carry out. */
	readonly commands?: readonly Command[];

	/** Resolves once the network takes deliveries; outages later are its own to mend. Links come by `attach`. */
	start(bridge: Bridge): Promise<void>;
	/** Stops taking events in, at once. `stop` follows after the lanes have drained. */
	pause(): Promise<void>;
	stop(): Promise<void>;
	/** Absent: up whenever it has started. */
	status?(): Status;

	/**
	 * Returns what a room there can show; what it does not name is dropped. `event` is what is about to be sent, where that
	 * makes a difference. Absent: nothing is shown there.
	 */
	capabilities?(room: RoomId, event: BridgeEvent): Partial<Capabilities>;
	/** Why a feature cannot be shown there, where it could be if the bridge was set up for it. */
	readonly lacks?: Readonly<Partial<Record<Feature, string>>>;
	/**
	 * Delivers, and resolves when the other side confirmed, with the ids the event has there. Absent: nothing is shown there.
	 * @throws TemporaryError to be called again with the same operation, PermanentError to give up.
	 */
	send?(out: Outbound): Promise<readonly MessageId[]>;
	/**
	 * How many deliveries of one lane may be under way at once: 1 where absent. `send` is called in lane order and keeps it on
	 * the wire.
	 */
	readonly window?: number;
	/**
	 * Tells the sender of `event` that it reaches nobody on `target`. Never answers an error with an error.
	 * @throws TemporaryError to be called again.
	 */
	refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void>;
	/** Opens a file this network keeps, by the `ref` it gave. @throws PermanentError where it cannot be had, TemporaryError. */
	open?(ref: string, range?: ByteRange): Promise<Opened>;

	/** Resolves with the person at this address, undefined where nobody has it. @throws PermanentError when it can be no address. */
	findPerson?(address: readonly string[]): Promise<Person | undefined>;
	/** The room at this address, looked at but not joined. @throws PermanentError with the cause when there is none. */
	findRoom(address: readonly string[]): Promise<RoomInfo>;
	/** The room of a link as people write it. */
	show(link: Link): string;
	/** Resolves with the people in the room, ghosts of ours left out. */
	members(room: RoomId): Promise<readonly Person[]>;

	/**
	 * Begins to serve a link: joins, subscribes. Idempotent, and called for each link at every start. `members` are in
	 * the portal's other rooms as far as is known: a network that forgets its ghosts when it stops brings them back.
	 */
	attach(portal: Portal, link: Link, members?: readonly Person[]): Promise<void>;
	/** Stops serving it: our people leave, names of ours are taken back. */
	detach(portal: Portal, link: Link): Promise<void>;
	/** Makes the room of a joined portal for `info`, found at `address` on `of`. Made once, however often it is called. */
	createRoom?(of: NetworkName, address: readonly string[], info: RoomInfo): Promise<RoomId>;
	/** The 1:1 room of `ours`, a person of this network, with `theirs`, a ghost here. Made once, however often it is called. */
	openDirect?(ours: Person, theirs: Person): Promise<RoomId>;
	/** Lets a person of this network into a room that we made. Absent: nobody needs an invitation there. */
	invite?(room: RoomId, person: Person): Promise<void>;

	/** Its rooms are no public places, so only an admin opens one to others: anybody can type an address. */
	readonly privateRooms?: true;
	/** A reaction is an event with an id of its own, and a redaction of that event takes it back. */
	readonly reactionsHaveIds?: true;
	/** A thread has an id of its own, which its first message carries too: earlier messages tell whether there is a thread. */
	readonly threadsHaveIds?: true;
	/** True for a link whose deliveries in doubt cannot be looked for: core notes each confirmation at once, so that a crash repeats few. */
	unverifiable?(link: Link): boolean;
	/** The last messages of a room, as far back as is read at once: for when the journal has forgotten them, or was lost. */
	recentMessages?(room: RoomId): Promise<readonly Recalled[]>;
	/** The ids that each of these has in a room, for the same case; none where that cannot be known. */
	idsOfDeliveries?(room: RoomId, all: readonly Delivery[]): Promise<readonly (readonly MessageId[])[]>;
}

/** How far a source was read, in its network's own words. */
export type Cursor = Readonly<{ key: string; value: string }>;

/**
 * An event as it comes in. `cursor` is on disk when it is, never before: what was not taken is read again. `since`, of
 * what was missed and is read later: when its source was read last, by our clock, in ms since 1970. Without it the time
 * that an event claims counts for nothing.
 */
export type Received = BridgeEvent & Readonly<{ cursor?: Cursor; since?: number }>;

/** The methods that core offers to each network. */
export interface Bridge {
	/** Resolves when everything that has to be delivered is on disk: acknowledge to the server then, not before. */
	receive(events: readonly Received[]): Promise<void>;
	/** The value saved last; undefined when there never was one. */
	cursor(key: string): Promise<string | undefined>;
	/** Saves it behind everything that was received before. */
	saveCursor(cursor: Cursor): Promise<void>;
	/** Takes note of a command once (`id` is its message's) and carries it out; answers go through `call.reply`. */
	command(call: CommandCall): Promise<void>;
	/** Everyone who is in a room now; differences to what was known become membership events. */
	sync(network: NetworkName, room: RoomId, members: readonly Person[]): Promise<void>;
	/** As {@link Network.findPerson} of that network; undefined for networks there are not. */
	findPerson(network: NetworkName, address: readonly string[]): Promise<Person | undefined>;
	/** The portal of a room, if it is in one. */
	portal(network: NetworkName, room: RoomId): Promise<Portal | undefined>;
	/** The room on `here` that stands for the room at `address` on `there`, made where it does not exist yet. */
	openRoom(here: NetworkName, there: NetworkName, address: readonly string[]): Promise<RoomId>;
	/**
	 * Makes `room` on `ours.network` the 1:1 room of `ours` with `theirs`; an earlier one is replaced.
	 * @throws PermanentError when one of them is blocked, or `ours` opens too many.
	 */
	openDirect(ours: Person, theirs: Person, room: RoomId): Promise<void>;
	/** Deliveries to this network can work again: lanes that wait to retry go on at once. */
	resume(network: NetworkName): void;
	/** Nobody of this portal is left on the other side: it is taken down. */
	close(portal: Portal): Promise<void>;
	/** Opens a file on the network that keeps it. @throws as {@link Network.open} */
	open(source: Media["source"], range?: ByteRange): Promise<Opened>;
	/** Tells the sender of an event that was delivered what of it could not be. */
	partly(event: BridgeEvent, error: PermanentError, target: string): void;
	/** @throws PermanentError when the person is blocked, or opens too many chats and rooms. Counts as one more. */
	mayOpen(person: Person): void;
	/** True when the person may do what `level` says. */
	allows(person: Person, level: Level): boolean;
	/** A secret made once and kept for good, base64url, 32 bytes. */
	secret(name: string): Promise<string>;
}
