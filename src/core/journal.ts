import type { BridgeEvent } from "./event.ts";
import type {
	Copy,
	LinkId,
	MessageId,
	NetworkName,
	OperationId,
	PortalId,
	RoomId,
	TraceId,
	UserId,
} from "./ids.ts";
import type { Person } from "./person.ts";
import type { Places } from "./places.ts";

/** The FIFO queue of one portal and target link. */
export type Lane = Readonly<{ portal: PortalId; link: LinkId }>;

export type NewRow = Readonly<{
	operation: OperationId;
	trace: TraceId;
	lane: Lane;
	event: BridgeEvent;
	/** The lane sends the row as soon as it is accepted: it counts as attempted from then on, which saves a commit. */
	begun?: boolean;
	/** The delivery plan of the first attempt, in the sender's own format. Each retry follows it. */
	request?: string;
	/** The row waits outside its lane until {@link Journal.enter}. Held rows of one event have no seq of a lane. */
	held?: true;
}>;
/** waiting: never sent, so it can be cancelled. doubt: sent at least once, so the target may have it already. */
export type Row = NewRow &
	Readonly<{
		seq: number;
		state: "waiting" | "doubt";
		attempts: number;
		queuedAt: number;
	}>;

/** One reaction of a person to a message; `id` is the id of the reaction's own event, on networks that have one. */
export type Reaction = Readonly<{ emoji: string; id?: MessageId }>;
/** All reactions of one person to one message that one room shows. `message` is the same id in every call. */
export type ReactionSet = Readonly<{
	network: NetworkName;
	room: RoomId;
	message: MessageId;
	sender: UserId;
	now: readonly Reaction[];
}>;

/** The records of one received event. The journal writes all of them or none. */
export type Entry = Readonly<{
	/** The dedupe key of the event (see dedupe.ts). Of an entry whose key is known, all but the cursor is ignored. */
	key: string;
	/** So it is with an entry one of whose repeats is known: a key between these two, in byte order, or `older`. */
	repeats?: Readonly<{ from: string; to: string; older?: string }>;
	/**
	 * The value of a thing: its key takes the place of all keys that begin with `subject`. A `standing` value whose key is
	 * known is the last one of the thing, and the entry is ignored like that of a known key.
	 */
	value?: Readonly<{ subject: string; key: string; standing: boolean }>;
	rows: readonly NewRow[];
	/**
	 * Further ids of the rows' event in its own room, for {@link Journal.copies}. If two events claim an id, the later one
	 * gets it; but the first id of another message, and the id of a copy of ours, stay where they are, since senders can
	 * choose some further ids themselves.
	 */
	aka?: readonly MessageId[];
	/**
	 * Further ids of the rows' event that its sender chose, and other people may choose as well: such an id names a message
	 * only if no other one of the last 1,000 of its room has it.
	 */
	shared?: readonly MessageId[];
	/**
	 * The id of the message that the rows' event edits: the ids of the edit, in its own room and in the target rooms, count
	 * as ids of that message. An edit of an unknown message counts as a message of its own.
	 */
	of?: MessageId;
	/**
	 * The rows' event replaces the content of the held event `into` of its room, as {@link merged} does, and `rows` are
	 * ignored. If the journal does not hold that event any more, the rows, which are held, count.
	 */
	into?: MessageId;
	/** The read position of the source; saved also for an entry whose key is known. See {@link Journal.cursor}. */
	cursor?: Readonly<{ key: string; value: string }>;
	/** The reactions that the source room shows after this event added one or took one back. */
	reaction?: ReactionSet;
	/** The person who joined or left the source room. */
	member?: Readonly<{ network: NetworkName; room: RoomId; person: Person; present: boolean }>;
}>;

/** An event whose rows are held. `ids`: its further and its shared ids in its room, of which its own id is none. */
export type HeldEvent = Readonly<{ position: number; event: BridgeEvent; ids: readonly MessageId[] }>;

export type DeadLetter = Row & Readonly<{ reason: string; diedAt: number }>;

/**
 * The store of all that changes with messages. Each call is one transaction that is on disk (fsync) when it resolves;
 * concurrent calls share a commit. The calls take effect in the order in which they are made.
 */
export interface Journal {
	open(): Promise<void>;
	close(): Promise<void>;
	/** Writes the entries in order. Resolves with the rows of the new ones, without those of a merged event. */
	accept(entries: readonly Entry[]): Promise<readonly Row[]>;
	/** Resolves with up to `limit` held events after the position `after` (0 for all), oldest first. */
	held(after: number, limit: number): Promise<readonly HeldEvent[]>;
	/** Moves the held rows of these events, in this order, to the ends of their lanes. Resolves with the rows there. */
	enter(events: readonly Copy[]): Promise<readonly Row[]>;
	/** Resolves with true at the first call with this key, with false at each later one. */
	once(key: string): Promise<boolean>;
	/**
	 * Resolves with the value saved last under this key: the read position of a source, in its network's own format, or the
	 * open polls of a portal; undefined if none was saved.
	 */
	cursor(key: string): Promise<string | undefined>;
	/** Resolves with all values whose keys begin with `prefix`, in the order of the keys. */
	cursors(prefix: string): Promise<readonly Readonly<{ key: string; value: string }>[]>;
	/** Saves a value; undefined removes it. */
	saveCursor(key: string, value: string | undefined): Promise<void>;
	/** Resolves with the lanes that hold rows: the number of rows, and when the oldest was queued, in ms since 1970. */
	lanes(): Promise<readonly (Lane & Readonly<{ depth: number; oldest: number }>)[]>;
	/** Resolves with up to `limit` rows of a lane after the seq `after` (0 for all), oldest first. */
	rows(lane: Lane, after: number, limit: number): Promise<readonly Row[]>;
	/**
	 * Notes that the row is about to be sent: it is in doubt until it is done or refused. Resolves with false if the row is
	 * cancelled or settled: then it must not be sent. The row keeps `request` until another one is given.
	 */
	attempt(row: Row, request?: string): Promise<boolean>;
	/** Replaces the `request` of a row; does nothing if the row is settled. */
	keep(row: Row, request: string): Promise<void>;
	/**
	 * Takes back the last attempt, or `begun`, of rows that were not sent: their state is again the one before it. Removes
	 * a row that is not in doubt any more if {@link cancel} was asked for its message meanwhile.
	 */
	release(rows: readonly Row[]): Promise<void>;
	/**
	 * Settles a delivered row; the target knows the event by `ids`, one for each part that was sent. The commit may wait
	 * some milliseconds for other calls to share it.
	 */
	done(
		row: Row,
		target: Readonly<{ network: NetworkName; room: RoomId }>,
		ids: readonly MessageId[],
	): Promise<void>;
	/** Removes a row that was never attempted. Resolves with false if it was, or is settled. */
	expire(row: Pick<Row, "seq">): Promise<boolean>;
	/** Turns a row that is given up into a dead letter. */
	refuse(row: Row, reason: string): Promise<void>;
	/**
	 * Removes the rows of a deleted event that were never attempted, held ones too, and resolves with them; attempted rows
	 * stay until {@link release} reports them unsent. The rows of its edits go the same way, and so do the dead letters of
	 * all of them, since nobody may revive a deleted message.
	 */
	cancel(of: Copy): Promise<readonly Row[]>;
	/** Resolves with true if {@link cancel} removed rows of this message: then no room may hear of it any more. */
	gone(of: Copy): Promise<boolean>;
	/**
	 * Resolves with every id that a message has in every room, given one of them: its own id first, then the others in the
	 * order in which they became known. A room has several ids of a message that was sent in parts, or that has further
	 * ids. Empty if the message is unknown; only the given id if that names several messages.
	 */
	copies(of: Copy): Promise<readonly Copy[]>;
	readonly places: Places;
	/** Resolves with the reactions of one person to one message that a room shows, in the order they were given. */
	reactions(
		network: NetworkName,
		room: RoomId,
		message: MessageId,
		sender: UserId,
	): Promise<readonly Reaction[]>;
	/** Replaces those reactions with `now`; an empty list removes the record. */
	setReactions(
		network: NetworkName,
		room: RoomId,
		message: MessageId,
		sender: UserId,
		now: readonly Reaction[],
	): Promise<void>;
	/** Resolves with the reaction whose own event has this id. */
	reactionAt(
		network: NetworkName,
		room: RoomId,
		id: MessageId,
	): Promise<Readonly<{ message: MessageId; sender: UserId; emoji: string }> | undefined>;
	members(network: NetworkName, room: RoomId): Promise<readonly Person[]>;
	/** Forgets the members of a room, and the last values of its things. */
	forget(network: NetworkName, room: RoomId): Promise<void>;
	/** Resolves with up to `limit` dead letters, of one portal or of all, the latest first. */
	dead(limit: number, of?: PortalId): Promise<readonly DeadLetter[]>;
	/**
	 * Queues up to `limit` dead letters, of one lane or of all, the earliest refused first, at the end of their lanes again;
	 * each is rendered anew. A row that was attempted may have arrived, so it stays in doubt. Resolves with the rows.
	 */
	revive(which: Readonly<{ lane?: Lane; limit: number }>): Promise<readonly Row[]>;
	/** `waiting` and `oldest` are of the rows in lanes, `held` is the number of held events. */
	stats(): Promise<Readonly<{ waiting: number; oldest: number | undefined; dead: number; held: number }>>;
	/**
	 * Writes a snapshot of the journal, with the effects of all earlier calls, to a new file of mode 0600, which can replace
	 * the journal's own file. Other calls wait meanwhile. A backup of both stores copies the mapping second, so that the
	 * mapping knows every portal that a row names.
	 * @throws Error if the file exists or cannot be written; the journal goes on.
	 */
	backup(file: string): Promise<void>;
	/** Removes copies, reactions, keys, places and dead letters that are past their bounds. `now` in ms since 1970. */
	prune(now: number): Promise<void>;
}
