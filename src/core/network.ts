import type { Capabilities, Feature, Support } from "./capabilities.ts";
import type { CheckResult } from "./check-result.ts";
import type { Command } from "./command.ts";
import type { PermanentError } from "./errors.ts";
import type { BridgeEvent, Media } from "./event.ts";
import type { Hosting, RoomFacts, Seen } from "./hosting.ts";
import type { Copy, MessageId, NetworkName, OperationId, RoomId, TraceId } from "./ids.ts";
import type { Reaction } from "./journal.ts";
import type { Lookups } from "./lookups.ts";
import type { Link, Portal } from "./mapping.ts";
import type { ByteRange, Opened } from "./media.ts";
import type { Bridge } from "./offered.ts";
import type { Avatar, Person } from "./person.ts";
import type { PolicyLists } from "./policy-lists.ts";
import type { Description, RoomInfo } from "./room-info.ts";
import type { Shown, Signal, SignalOut } from "./signal.ts";

export type { Bridge, Cursor, Received, Unnamed } from "./offered.ts";
export type { RoomInfo } from "./room-info.ts";

export type Refs = Readonly<Record<string, readonly MessageId[]>>;

/** One event as its target network is to show it. */
export type Outbound = Readonly<{
	operation: OperationId;
	trace: TraceId;
	portal: Portal;
	link: Link;
	room: RoomId;
	event: BridgeEvent;
	/** The marks of the rooms that the event has passed, its own the last: they go with it, as the guard against loops. */
	passed: readonly string[];
	/** For each message that the event refers to, by its id in the event: its ids in `room`; none if it is unknown there. */
	refs: Refs;
	/**
	 * For a reaction: the reactions that `room` shows of its sender on the target now. `event` then has the whole new set,
	 * and `send` resolves with one id for each of its emoji (or with none, if reactions have no ids on this network).
	 */
	shown: readonly Reaction[];
	/** How a reaction is to be shown: as the room's people chose, limited to what the room is able to show. */
	reactions: Support;
	/** The number of earlier attempts; from 1 on, the delivery is in doubt. */
	attempt: number;
	/**
	 * Resolves with the result of `make` (JSON), which runs once for each `name` in a delivery, such as the upload of a file.
	 * The result is on disk before it is returned, so later attempts, also after a restart, get the same one.
	 */
	once<T>(name: string, make: () => Promise<T>): Promise<T>;
}>;

/** A message as its room knows it, read to recover ids that the journal has lost. */
export type Recalled = Readonly<{
	/** All ids of the message in its room, its own id first. */
	ids: readonly MessageId[];
	sender: Person;
	/** The copies on other networks that the message names, if it is an event of ours. */
	copies?: readonly Copy[];
}>;
/** A delivery to a room, and the person it was sent for. */
export type Delivery = Readonly<{ operation: OperationId; sender: Person }>;

/** The state of the connection to the server. If it is down: the cause, and since when, in ms since 1970. */
export type Status = Readonly<{ up: boolean; cause?: string; since?: number }>;

/**
 * A network as core sees it. All addresses are lists of parts as in {@link Person.address}; a typed address is a list of
 * the one typed text. A network leaves out the optional members that it has no use for, and core answers requests for
 * them with a refusal.
 */
export interface Network {
	readonly name: NetworkName;
	/** The name for people. */
	readonly title: string;
	/** Commands of this network alone. */
	readonly commands?: readonly Command[];

	/** Resolves when the network takes deliveries; from then on it reconnects by itself. Links come by `attach`. */
	start(bridge: Bridge): Promise<void>;
	/** Takes no more of what the server would hand over again. Core calls `stop` after the lanes have drained. */
	pause(): Promise<void>;
	/**
	 * Ends the connection in order: hands to core all input until the server has ended it, too, and resolves when
	 * the input is on disk. The networks stop in reverse order of their starts, so this one may still look people up on
	 * networks that started earlier.
	 */
	stop(): Promise<void>;
	/** Returns the state of the connection. Absent: always up. */
	status?(): Status;
	/**
	 * Asks the servers now what they have to answer, for the admin's `check` of a running bridge. Absent: the status tells
	 * all. Never rejects.
	 */
	check?(): Promise<readonly CheckResult[]>;

	/**
	 * Returns the capabilities of a room, for the given event if that makes a difference. Kinds and features that it does
	 * not name are dropped. Absent: the network shows nothing.
	 */
	capabilities?(room: RoomId, event?: BridgeEvent): Partial<Capabilities>;
	/**
	 * States anew in a room what the other rooms of its portal show, by {@link Bridge.capabilities}. Absent: rooms here state
	 * nothing of that.
	 */
	restate?(portal: Portal, link: Link): Promise<void>;
	/** How people type the address of a room for a link, with the options that they may add; for help. */
	readonly linkUsage?: string;
	/**
	 * Returns how a room takes an event although its link brings nothing out. answers: if the event answers a message of the
	 * room; all: anyway. Absent: the link alone decides.
	 */
	takes?(room: RoomId, event: BridgeEvent): "answers" | "all" | undefined;
	/** For each feature that a fuller set-up of the bridge would add: the sentence that names what is missing. */
	readonly lacks?: Readonly<Partial<Record<Feature, string>>>;
	/**
	 * Delivers an event. Resolves with its ids there when the server has confirmed it. Absent: the network shows nothing.
	 * @throws TemporaryError for a retry with the same operation id, PermanentError for a dead letter.
	 */
	send?(out: Outbound): Promise<readonly MessageId[]>;
	/**
	 * The number of deliveries of one lane that may be in flight at once; absent: 1. Core calls `send` in lane order, and
	 * `send` keeps that order on the wire.
	 */
	readonly window?: number;
	/** The same for the lane of a 1:1 chat; absent: as `window`. */
	readonly chatWindow?: number;
	/**
	 * Sends a notice to the sender of `event`: it does not reach `target`. A network never answers an error with an error.
	 * @throws TemporaryError for a retry.
	 */
	refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void>;
	/**
	 * Shows what passes: typing, read positions, presences. Resolves within seconds, and is not called again if it rejects.
	 * Core calls it for the next signal of the same person in the same room when it has resolved, and leaves out those that
	 * newer ones have replaced meanwhile. Absent: the network shows none.
	 */
	signal?(out: SignalOut): Promise<void>;
	/** Returns true if a room shows signals of this kind now: asked before anything is looked up. Absent: it shows all. */
	hears?(kind: Signal["kind"], room: RoomId): boolean;
	/** For how long, in ms, typing is shown here unless it is repeated, which core does. Absent: until its end is told. */
	readonly typingLasts?: number;
	/**
	 * Tells the client of the sender that the other person's room has an event with {@link BridgeEvent.receipt}. After a
	 * crash it may be called twice. Absent: nobody here asks for it.
	 */
	delivered?(event: BridgeEvent): Promise<void>;
	/**
	 * Opens a file of this network by the `ref` of its {@link Media.source}. @throws PermanentError if the file is not
	 * available, TemporaryError.
	 */
	open?(ref: string, range?: ByteRange): Promise<Opened>;

	/**
	 * Resolves with the presence of a person of this network, as the ghost of `to` sees it; undefined where the ghost may not
	 * see it. Absent: nobody here has one. @throws TemporaryError
	 */
	presence?(of: Person, to: Person): Promise<Shown | undefined>;

	/** How people of other networks look for people and rooms here. Absent: nobody looks for any. */
	readonly lookups?: Lookups;
	/** Resolves with the person at this address; undefined if nobody has it. @throws PermanentError if it is no address here. */
	findPerson?(address: readonly string[]): Promise<Person | undefined>;
	/** Returns the person at an address whom the network need not have met; undefined if it cannot be one's. Pure. */
	personAt?(address: readonly string[]): Person | undefined;
	/**
	 * Resolves with people here whose names or addresses have these words, as the ghost of `by` may find them. Absent: nobody
	 * here can be found by a name. @throws PermanentError, TemporaryError
	 */
	searchPeople?(words: string, by: Person): Promise<readonly Person[]>;
	/** Resolves with the room at this address, without joining it. @throws PermanentError with the cause if there is none. */
	findRoom(address: readonly string[]): Promise<RoomInfo>;
	/**
	 * Resolves with the room at this address after the password has opened it, and keeps the password for the bridge's joins.
	 * The room then is for `invites` alone. Absent: no room here asks for one. @throws PermanentError with the cause.
	 */
	unlock?(address: readonly string[], password: string): Promise<RoomInfo>;
	/** Returns the address of a link's room for people. */
	show(link: Link): string;
	/** Returns the link that opens a room in the clients of this network's people. Absent: there are no such links. */
	url?(room: RoomId): string;
	/** Returns the link that opens the profile of a person in the clients of this network's people. Absent: there are none. */
	personUrl?(person: Person): string;
	/**
	 * Returns the address on its own network of the person or room that has a ghost or a room of ours at this address here.
	 * Pure. Absent: there are none.
	 */
	standsFor?(
		address: readonly string[],
	): Readonly<{ network: NetworkName; address: readonly string[] }> | undefined;
	/**
	 * Returns the handle of the person at a typed address, as permissions spell it; undefined if it is no such address.
	 * Pure. Absent: nobody here can be named in a permission.
	 */
	handle?(typed: string): string | undefined;
	/**
	 * Returns the sentence about people here whom this glob cannot block,
	 * though it names their address. Absent: there are none.
	 */
	hides?(glob: string): string | undefined;
	/** Resolves with a link's room as people know it: name and address. @throws Error if the name cannot be read. */
	label?(link: Link): Promise<string>;
	/** Returns why a link's room is not served, though the server is reached; undefined if it is. Absent: nobody can tell. */
	hindrance?(link: Link): string | undefined;
	/** Resolves with true if the room has a message of this id. Absent: nobody can tell. */
	hasMessage?(room: RoomId, id: MessageId): Promise<boolean>;
	/**
	 * Resolves if a person may link the room to the room `to`: the bridge can read it, and no other bridge has made that
	 * link. @throws PermanentError with the reason.
	 */
	mayLink?(room: RoomId, to: Readonly<{ network: NetworkName; room: RoomId }>): Promise<void>;
	/**
	 * Resolves if the bridge may give people of other networks the rights of moderators in a room. @throws PermanentError with
	 * the cure. Absent: nobody needs rights that the bridge gives.
	 */
	mayGiveRights?(room: RoomId): Promise<void>;
	/**
	 * Returns true if everybody may find the room of a link in lists of its network and enter it; undefined while that is not
	 * known. Absent: no room here is public.
	 */
	isPublic?(room: RoomId): boolean | undefined;
	/** Resolves with the address of the room that takes the place of a link's room, which was closed. Absent: none is closed so. */
	successor?(link: Link): Promise<readonly string[] | undefined>;
	/**
	 * Resolves if a room lets a person of another network in: one whom its moderators have not banned, and into a room for members
	 * only a member, unless nobody is in the person's room yet (`isFirst`). @throws PermanentError with the refusal. Absent: rooms
	 * here let everybody in.
	 */
	admits?(room: RoomId, person: Person, how: Readonly<{ isFirst: boolean }>): Promise<void>;
	/** Resolves with the people in the room, without our ghosts. */
	members(room: RoomId): Promise<readonly Person[]>;

	/**
	 * Begins to serve a link: joins a room, subscribes to a topic. Idempotent; core calls it for each link at every start.
	 * `members` are the known people of the portal's other rooms, whose ghosts a network brings back if they do not
	 * survive its stop. `isNew`: nobody was in the portal before this run.
	 */
	attach(portal: Portal, link: Link, members?: readonly Person[], isNew?: boolean): Promise<void>;
	/** Stops serving a link: our ghosts leave the room, and aliases of ours are removed. */
	detach(portal: Portal, link: Link): Promise<void>;
	/** Resolves with our room for the room `info` at `address` on network `of`. Idempotent. */
	createRoom?(of: NetworkName, address: readonly string[], info: RoomInfo): Promise<RoomId>;
	/** Resolves with the 1:1 room of `ours`, a person of this network, and the ghost of `theirs`. Idempotent. */
	openDirect?(ours: Person, theirs: Person): Promise<RoomId>;
	/** Tells the people of a room a sentence of the bridge. Absent: there is nobody to read it. @throws TemporaryError */
	announce?(room: RoomId, text: string): Promise<void>;
	/**
	 * Shows the picture of another network's room as that of a link's room; null removes it. Returns at once. Absent: rooms
	 * here have no picture that the bridge can set.
	 */
	showPicture?(link: Link, picture: Avatar | null): void;
	/**
	 * Gives a link's room the name and topic of another network's room, as far as the bridge made it or nobody gave it its own.
	 * Returns at once. Absent: rooms here take neither.
	 */
	describe?(link: Link, description: Description): void;
	/**
	 * Invites a person of this network to a room of ours, and lifts a ban of the bridge's own. `words`: the sentence that the
	 * person reads with it. Absent: no room here needs an invitation.
	 */
	invite?(room: RoomId, person: Person, words?: string): Promise<void>;

	/**
	 * Invites a person of this network, who is not in it, to a room here, as `by`, who is in a linked room of another network,
	 * asks. Absent: nobody is invited from there. @throws PermanentError with the reason, TemporaryError
	 */
	inviteFrom?(room: RoomId, person: Person, by: Person, reason?: string): Promise<void>;

	/** The rooms of this network are private although anybody can type their addresses, so only an admin may link one. */
	readonly privateRooms?: true;
	/**
	 * The rooms of this network are sources, which bring events and take none. A room may be linked to several sources, and
	 * a source to several rooms.
	 */
	readonly sources?: true;
	/** People here give their commands in a chat with the bot alone, which is no room that can be linked. */
	readonly commandsAlone?: true;
	/** A reaction has an id of its own here, and a redaction of that id takes it back. */
	readonly reactionsHaveIds?: true;
	/** A thread has an id of its own here, which its first message carries already: core looks for earlier messages with it. */
	readonly threadsHaveIds?: true;
	/** Resolves with the latest messages of a room, to recover ids that the journal has lost. */
	recentMessages?(room: RoomId): Promise<readonly Recalled[]>;
	/** Resolves with the ids of each of these deliveries in a room, for the same recovery; none if they are unknown. */
	idsOfDeliveries?(room: RoomId, all: readonly Delivery[]): Promise<readonly (readonly MessageId[])[]>;

	/** The lists of banned people that people of this network keep. Absent: there are none. */
	readonly policyLists?: PolicyLists;
	/** The rooms of this network, for others that show them in full. Absent: no other network can show them. */
	readonly hosting?: Hosting;
	/**
	 * Shows what happened in the source of a view, in this order, which is that of the archive. Returns at once: nothing
	 * is repeated to a view that misses it, since its people can read the archive. Absent: this network has no views.
	 */
	reflect?(view: RoomId, timeline: readonly Seen[]): void;
	/**
	 * Brings a person of this network the invitation of `by` to a room of another network that this one may show. The
	 * ghost of the person is invited already. Absent: this network has no views. @throws TemporaryError
	 */
	inviteToView?(facts: RoomFacts, person: Person, by: Person, reason?: string): Promise<void>;
}
