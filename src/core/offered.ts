import type { Capabilities } from "./capabilities.ts";
import type { Command, CommandCall } from "./command.ts";
import type { PermanentError } from "./errors.ts";
import type { BridgeEvent, Media } from "./event.ts";
import type { Seen, Views } from "./hosting.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Lookups } from "./lookups.ts";
import type { Link, OwnRoom, Portal } from "./mapping.ts";
import type { ByteRange, Opened } from "./media.ts";
import type { Level } from "./permissions.ts";
import type { Avatar, Person } from "./person.ts";
import type { Description, RoomInfo } from "./room-info.ts";
import type { Shown, Signal } from "./signal.ts";

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
	/** As `isPublic` of the network of a link. */
	isPublic(link: Link): boolean | undefined;
	/** The capabilities of a room may have changed: its portal's rooms state them anew. Returns at once and never throws. */
	changed(network: NetworkName, room: RoomId): void;
	/** Shows a signal in the other rooms, if they can show it and are there. Returns at once and never throws. */
	signal(signal: Signal): void;
	/** As `presence` of the person's network. */
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
	/** Returns the commands that a person may use and can use, if need be by a form that names the room. */
	commandsFor(person: Person): readonly Command[];
	/** Runs a command, once for each message id. The answer goes through `call.reply`. */
	command(call: CommandCall): Promise<void>;
	/** Takes the list of a room's members; its differences from the known members become membership events. */
	sync(network: NetworkName, room: RoomId, members: readonly Person[]): Promise<void>;
	/** As `findPerson` of that network; undefined if there is no such network. */
	findPerson(network: NetworkName, address: readonly string[]): Promise<Person | undefined>;
	/** As `findRoom` of that network. @throws PermanentError with the cause if there is none */
	findRoom(network: NetworkName, address: readonly string[]): Promise<RoomInfo>;
	/** Returns how people look for others on that network, and its name for people; undefined if nobody looks there. */
	lookups(network: NetworkName): (Lookups & Readonly<{ title: string }>) | undefined;
	/** As `personAt` of that network; undefined if it has nobody without a meeting. */
	personAt(network: NetworkName, address: readonly string[]): Person | undefined;
	/**
	 * As `searchPeople` of that network, less the people to whom `by` may not write. @throws PermanentError if nobody there
	 * can be found by a name; TemporaryError
	 */
	searchPeople(network: NetworkName, words: string, by: Person): Promise<readonly Person[]>;
	/** As `personUrl` of the person's network; undefined if it has no such links. */
	personUrl(person: Person): string | undefined;
	/** Resolves with the portal of a room; undefined if it is in none. */
	portal(network: NetworkName, room: RoomId): Promise<Portal | undefined>;
	/**
	 * Resolves with the room on `here` for the room at `address` on `there`, and creates it if necessary. `found`: the room
	 * at `address`, if it is known already.
	 */
	openRoom(
		here: NetworkName,
		there: NetworkName,
		address: readonly string[],
		found?: RoomInfo,
	): Promise<RoomId>;
	/**
	 * Invites a person to the room of their network for a room of another one, as `by` of that other one asks. The room is
	 * opened if necessary, by the password if there is one. `words`: as in `invite` of Network.
	 * @throws PermanentError with the reason, also if `by` may not write to the person; TemporaryError
	 */
	bringIn(
		person: Person,
		by: Person,
		to: Readonly<{
			network: NetworkName;
			address: readonly string[];
			password?: string | undefined;
			words: string;
		}>,
	): Promise<void>;
	/**
	 * Passes on the invitation of `by` to a room of the network `of`: the person of another network is invited to a room of
	 * theirs that is linked to it. Resolves with the address of that room; undefined where there is none.
	 * @throws PermanentError with the reason, TemporaryError
	 */
	passOn(
		of: NetworkName,
		room: RoomId,
		invitation: Readonly<{ person: Person; by: Person; reason?: string | undefined }>,
	): Promise<string | undefined>;
	/**
	 * Makes `room` on `ours.network` the 1:1 room of `ours` with `theirs`. Resolves with the room whose place it took, if any.
	 * @throws PermanentError if one of them is blocked, or `ours` opens too many.
	 */
	openDirect(ours: Person, theirs: Person, room: RoomId): Promise<RoomId | undefined>;
	/** Gives a topic of a network of sources a room of its own, which its first event makes. Idempotent. */
	ownRoom(one: OwnRoom): Promise<void>;
	/** Ends the backoff of all lanes to this network, which is reachable again. */
	resume(network: NetworkName): void;
	/** Takes the news that a list of banned people has changed. */
	policyChanged(network: NetworkName, list: RoomId): Promise<void>;
	/** Shows the name and topic that a room has in the other rooms of its portal, as far as those have none of their own. */
	described(network: NetworkName, room: RoomId, description: Description): Promise<void>;
	/** Shows the new picture of a room in the other rooms of its portal; null: the room has none any more. */
	pictured(network: NetworkName, room: RoomId, picture: Avatar | null): Promise<void>;
	/** Removes a portal that nobody uses any more. */
	close(portal: Portal): Promise<void>;
	/** Ends the link of a room for good, which wants the bridge no more. The portal's other rooms read `why`. */
	ended(network: NetworkName, room: RoomId, why: string): Promise<void>;
	/**
	 * Puts the room `to` in the place of a room that was replaced by it. Resolves with false for a room in no portal of rooms, and
	 * if `to` is in a portal already. @throws PermanentError if the network does not serve `to`
	 */
	moved(network: NetworkName, from: RoomId, to: RoomId): Promise<boolean>;
	/** Opens a file on its own network. @throws as `open` of that network */
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
	 * Resolves with the bridge's knowledge of a person: whether they are in a bridged room or chat, and up to three people of
	 * the network whose address is like the typed one.
	 */
	acquaintance(
		network: NetworkName,
		typed: string,
		person: Person | undefined,
	): Promise<Readonly<{ known: boolean; near: readonly Person[] }>>;
	/** Resolves with true if the person is in a room that is linked to this room of the network `of`. */
	sees(person: Person, of: NetworkName, room: RoomId): Promise<boolean>;
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
