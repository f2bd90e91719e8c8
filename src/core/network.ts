import type { Capabilities, Feature, Support } from "./capabilities.ts";
import type { CheckResult } from "./check-result.ts";
import type { Command, CommandCall } from "./command.ts";
import type { PermanentError } from "./errors.ts";
import type { BridgeEvent, Media } from "./event.ts";
import type { Hosting, RoomFacts, Seen, Views } from "./hosting.ts";
import type { Copy, MessageId, NetworkName, OperationId, RoomId, TraceId } from "./ids.ts";
import type { Reaction } from "./journal.ts";
import type { Link, OwnRoom, Portal } from "./mapping.ts";
import type { ByteRange, Opened } from "./media.ts";
import type { Level } from "./permissions.ts";
import type { Avatar, Person } from "./person.ts";
import type { PolicyLists } from "./policy-lists.ts";
import type { Shown, Signal, SignalOut } from "./signal.ts";

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
	 * the input is on disk. The networks stop in reverse order of their starts, so this one may still look people up on those
	 * that started before it.
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

	/** Resolves with the person at this address; undefined if nobody has it. @throws PermanentError if it is no address here. */
	findPerson?(address: readonly string[]): Promise<Person | undefined>;
	/** Returns the person at an address whom the network need not have met; undefined if it cannot be one's. Pure. */
	personAt?(address: readonly string[]): Person | undefined;
	/** Resolves with the room at this address, without joining it. @throws PermanentError with the cause if there is none. */
	findRoom(address: readonly string[]): Promise<RoomInfo>;
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
	/** Returns the sentence about people here whom this glob cannot block, though it names their address. Absent: there are none. */
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
	/** Resolves with the people in the room, without our ghosts. */
	members(room: RoomId): Promise<readonly Person[]>;

	/**
	 * Begins to serve a link: joins a room, subscribes to a topic. Idempotent; core calls it for each link at every start.
	 * `members` are the known people of the portal's other rooms, whose ghosts a network brings back if they do not
	 * survive its stop.
	 */
	attach(portal: Portal, link: Link, members?: readonly Person[]): Promise<void>;
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
	/** Invites a person of this network to a room of ours. Absent: no room here needs an invitation. */
	invite?(room: RoomId, person: Person): Promise<void>;

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

/** The read position of a source, in its network's own format. */
export type Cursor = Readonly<{ key: string; value: string }>;

/**
 * An event that has no unique id: another event of its room is the same if it has an equal `as`, and if their times (`at`)
 * differ by at most `within` ms.
 */
export type Unnamed = Readonly<{ as: MessageId; within: number }>;

/**
 * A received event. Core commits `cursor` together with the event and never before it, so that a crash loses nothing.
 * `since` marks an event of a backfill: the time of the last read of its source, by our clock, in ms since 1970. Rate
 * limits use the time that an event claims only if it has `since`. `preferred` names further rooms of the same network;
 * they bring the same event, and a portal with a link to one of them takes it from there. `shared`: see {@link Entry.shared}.
 */
export type Received = BridgeEvent &
	Readonly<{
		cursor?: Cursor;
		since?: number;
		preferred?: readonly RoomId[];
		/** The event has no unique id: this tells which other events are the same. */
		unnamed?: Unnamed;
		/** A value that stood before the bridge listened: it is news only if it differs from the last one of the thing. */
		standing?: true;
		/** A leave that core itself found or decided: a block does not hold it back. */
		gone?: true;
		shared?: readonly MessageId[];
	}>;

/** The methods that core offers to each network. */
export interface Bridge {
	/** Takes events in. Resolves when all their rows are on disk; only then may the network acknowledge to its server. */
	receive(events: readonly Received[]): Promise<void>;
	/** Returns what the room of a link shows of events from the other rooms of its portal. */
	capabilities(portal: Portal, link: Link): Capabilities;
	/** The capabilities of a room may have changed: its portal's rooms state them anew. Returns at once and never throws. */
	changed(network: NetworkName, room: RoomId): void;
	/** Shows what passes in the other rooms, if they can show it and are there. Returns at once and never throws. */
	signal(signal: Signal): void;
	/** As {@link Network.presence} of the person's network. */
	presence(of: Person, to: Person): Promise<Shown | undefined>;
	/** Resolves with the cursor that was saved last; undefined if there is none. */
	cursor(key: string): Promise<string | undefined>;
	/** Resolves with all cursors whose keys begin with `prefix`. */
	cursors(prefix: string): Promise<readonly Cursor[]>;
	/** Saves a cursor after all events that were received before the call; a value of undefined removes it. */
	saveCursor(cursor: Readonly<{ key: string; value: string | undefined }>): Promise<void>;
	/**
	 * Resolves with the words that greet a person who invited the bot to a room; undefined if the room has had them.
	 * `prefix`: as in {@link CommandCall}.
	 */
	greeting(
		to: Person,
		where: Readonly<Pick<CommandCall, "network" | "room" | "prefix">>,
	): Promise<string | undefined>;
	/** Returns the commands that a person may use and can use. */
	commandsFor(person: Person): readonly Command[];
	/** Runs a command, once for each message id. The answer goes through `call.reply`. */
	command(call: CommandCall): Promise<void>;
	/** Takes the list of a room's members; its differences from the known members become membership events. */
	sync(network: NetworkName, room: RoomId, members: readonly Person[]): Promise<void>;
	/** As {@link Network.findPerson} of that network; undefined if there is no such network. */
	findPerson(network: NetworkName, address: readonly string[]): Promise<Person | undefined>;
	/** As {@link Network.personAt} of that network; undefined if it has nobody without a meeting. */
	personAt(network: NetworkName, address: readonly string[]): Person | undefined;
	/** As {@link Network.personUrl} of the person's network; undefined if it has no such links. */
	personUrl(person: Person): string | undefined;
	/** Resolves with the portal of a room; undefined if it is in none. */
	portal(network: NetworkName, room: RoomId): Promise<Portal | undefined>;
	/** Resolves with the room on `here` for the room at `address` on `there`, and creates it if necessary. */
	openRoom(here: NetworkName, there: NetworkName, address: readonly string[]): Promise<RoomId>;
	/**
	 * Makes `room` on `ours.network` the 1:1 room of `ours` with `theirs`, in place of an earlier one.
	 * @throws PermanentError if one of them is blocked, or `ours` opens too many.
	 */
	openDirect(ours: Person, theirs: Person, room: RoomId): Promise<void>;
	/** Gives a topic of a network of sources a room of its own, which its first event makes. Idempotent. */
	ownRoom(one: OwnRoom): Promise<void>;
	/** Ends the backoff of all lanes to this network, which is reachable again. */
	resume(network: NetworkName): void;
	/** Takes the news that a list of banned people has changed. */
	policyChanged(network: NetworkName, list: RoomId): Promise<void>;
	/** Shows the new picture of a room in the other rooms of its portal; null: the room has none any more. */
	pictured(network: NetworkName, room: RoomId, picture: Avatar | null): Promise<void>;
	/** Removes a portal that nobody uses any more. */
	close(portal: Portal): Promise<void>;
	/** Ends the link of a room for good, which wants the bridge no more. The portal's other rooms read `why`. */
	ended(network: NetworkName, room: RoomId, why: string): Promise<void>;
	/** Opens a file on its own network. @throws as {@link Network.open} */
	open(source: Media["source"], range?: ByteRange): Promise<Opened>;
	/** Sends a notice to the sender of a delivered event about a part that could not be delivered. */
	partly(event: BridgeEvent, error: PermanentError, target: string): void;
	/** Counts one more chat or room of the person. @throws PermanentError if the person is blocked, or opens too many. */
	mayOpen(person: Person): void;
	/** Resolves with true if a message of `from` to `to` would be taken, rate limits aside. */
	mayReach(from: Person, to: Person): Promise<boolean>;
	/** Resolves with true if a room has a message of this id, as far as the bridge or the network can tell. */
	hasMessage(network: NetworkName, room: RoomId, id: MessageId): Promise<boolean>;
	/**
	 * Resolves with what the bridge knows of a person: whether they are in a bridged room or chat, and up to three people of
	 * the network whose address is like the typed one.
	 */
	acquaintance(
		network: NetworkName,
		typed: string,
		person: Person | undefined,
	): Promise<Readonly<{ known: boolean; near: readonly Person[] }>>;
	/** Returns true if the person has at least this permission level. */
	allows(person: Person, level: Level): boolean;
	/** Resolves with a secret of 32 bytes in base64url, made at the first call and stored for good. */
	secret(name: string): Promise<string>;
	/**
	 * Takes the timeline of rooms of the network `of` that others show in full. Resolves when its order is on disk; the
	 * views show it after that.
	 */
	seen(of: NetworkName, timeline: readonly Seen[]): Promise<void>;
	/**
	 * Forgets the order of a room of the network `of`, before somebody enters in which nobody of ours was: what was said
	 * there meanwhile is history, which is read from the room when people ask for it.
	 */
	beginArchive(of: NetworkName, room: RoomId): Promise<void>;
	readonly views: Views;
}
