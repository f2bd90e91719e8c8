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

/** FIFO of one portal and target link. */
export type Lane = Readonly<{ portal: PortalId; link: LinkId }>;

export type NewRow = Readonly<{
	operation: OperationId;
	trace: TraceId;
	lane: Lane;
	event: BridgeEvent;
	/** To be sent as soon as it is taken in: counts as attempted from there on, which spares a commit. */
	begun?: boolean;
	/** What the first attempt decided, in the words of who sends it: what every retry goes by. */
	request?: string;
}>;
/** waiting: never sent, may be cancelled. doubt: sent at least once, so it may be there already. */
export type Row = NewRow &
	Readonly<{
		seq: number;
		state: "waiting" | "doubt";
		attempts: number;
		queuedAt: number;
	}>;

/** One reaction of a person to a message; `id` is that of its own event, where its network gives it one. */
export type Reaction = Readonly<{ emoji: string; id?: MessageId }>;
/** All the reactions of one person to one message that one room shows. `message` is one and the same id in every call. */
export type ReactionSet = Readonly<{
	network: NetworkName;
	room: RoomId;
	message: MessageId;
	sender: UserId;
	now: readonly Reaction[];
}>;

/** What one received event leaves on disk, all of it or nothing. */
export type Entry = Readonly<{
	/** Names the event for ever; of an entry whose key is known all but the cursor is ignored. */
	key: string;
	rows: readonly NewRow[];
	/**
	 * Further ids of the rows' event in its own room, for {@link Journal.copies}. Of two events that claim one the later
	 * has it; an id that names another message as its own, or a copy of ours, stays with that: senders choose some of these.
	 */
	aka?: readonly MessageId[];
	/**
	 * The rows' event changes the message with this id in its room: whatever names the event, here or where it goes to,
	 * names that one. Of an unknown one it stands for itself.
	 */
	of?: MessageId;
	/** How far a source was read; saved for an entry whose key is known, too. See {@link Journal.cursor}. */
	cursor?: Readonly<{ key: string; value: string }>;
	/** What the source room shows after a reaction was added there, or taken back. */
	reaction?: ReactionSet;
	/** Who is in the source room from now on, or no longer. */
	member?: Readonly<{ network: NetworkName; room: RoomId; person: Person; present: boolean }>;
}>;

export type DeadLetter = Row & Readonly<{ reason: string; diedAt: number }>;

/**
 * Everything that changes with messages. Each call is one transaction that is on disk (fsync) when it resolves; calls
 * made at the same time share a commit. The order of calls is the order of effects.
 */
export interface Journal {
	open(): Promise<void>;
	close(): Promise<void>;
	/** Takes entries in, in order. Resolves with the rows of those that were new. */
	accept(entries: readonly Entry[]): Promise<readonly Row[]>;
	/** True the first time `key` is named, false ever after. */
	once(key: string): Promise<boolean>;
	/** How far a source was read, as its network wrote it down; undefined when it never did. */
	cursor(key: string): Promise<string | undefined>;
	saveCursor(key: string, value: string): Promise<void>;
	/** The lanes that hold rows: how many each, and when the first of them was queued, in ms since 1970. */
	lanes(): Promise<readonly (Lane & Readonly<{ depth: number; oldest: number }>)[]>;
	/** Rows of a lane after `after` (a seq, 0 for all), oldest first. */
	rows(lane: Lane, after: number, limit: number): Promise<readonly Row[]>;
	/**
	 * About to be sent: from here on it is in doubt until done or refused. False when the row is gone, cancelled or
	 * settled: then it must not be sent. `request` is kept in the row until another is given.
	 */
	attempt(row: Row, request?: string): Promise<boolean>;
	/** Puts `request` in place of what the row kept; of a row that is gone nothing. */
	keep(row: Row, request: string): Promise<void>;
	/** Not sent after the last attempt, or since they were begun: they wait, or are in doubt, as they were before it. */
	release(rows: readonly Row[]): Promise<void>;
	/**
	 * Delivered; the target knows the event by `ids`, one for each part it was sent as. It may wait some milliseconds for
	 * other calls to share a commit with; `soon`: it does not.
	 */
	done(
		row: Row,
		target: Readonly<{ network: NetworkName; room: RoomId }>,
		ids: readonly MessageId[],
		soon?: boolean,
	): Promise<void>;
	/** Given up: kept as a dead letter. */
	refuse(row: Row, reason: string): Promise<void>;
	/**
	 * Its sender took the event back: removes and resolves with those of its rows that were never attempted. What was
	 * attempted goes on. So go its changes, and the dead letters of all of them: nobody revives what was deleted.
	 */
	cancel(of: Copy): Promise<readonly Row[]>;
	/** Whether {@link cancel} took some of the message known there by this id: then nobody is to hear of it. */
	gone(of: Copy): Promise<boolean>;
	/**
	 * The message known there by this id, by every id it has in every room: its own first, then the further ones in the
	 * order they became known. One room's part are those with its network and room, in that order; several where it was
	 * sent in parts, or is known by several ids. Empty when unknown.
	 */
	copies(of: Copy): Promise<readonly Copy[]>;
	/** What is shown there now of one person's reactions to one message, in the order it was given; empty when unknown. */
	reactions(
		network: NetworkName,
		room: RoomId,
		message: MessageId,
		sender: UserId,
	): Promise<readonly Reaction[]>;
	/** Puts `now` in place of what was shown; an empty list forgets it. */
	setReactions(
		network: NetworkName,
		room: RoomId,
		message: MessageId,
		sender: UserId,
		now: readonly Reaction[],
	): Promise<void>;
	/** The reaction shown there whose own event has this id. */
	reactionAt(
		network: NetworkName,
		room: RoomId,
		id: MessageId,
	): Promise<Readonly<{ message: MessageId; sender: UserId; emoji: string }> | undefined>;
	members(network: NetworkName, room: RoomId): Promise<readonly Person[]>;
	/** Forgets a room's members; for unlink. */
	forget(network: NetworkName, room: RoomId): Promise<void>;
	/** The latest first. */
	dead(limit: number): Promise<readonly DeadLetter[]>;
	/**
	 * Up to `limit` dead letters, of one lane or of all, oldest death first, wait again at the end of their lanes: queued
	 * now, to be rendered anew. What was attempted may have arrived all the same, so it is in doubt as it was.
	 */
	revive(which: Readonly<{ lane?: Lane; limit: number }>): Promise<readonly Row[]>;
	stats(): Promise<Readonly<{ waiting: number; oldest: number | undefined; dead: number }>>;
	/**
	 * Writes all of it, as after the calls made before, to a new file that only we can read; put in place of the journal's
	 * own it restores it. Other calls wait meanwhile. Where both stores are backed up the mapping comes second: it then
	 * knows every portal that a row here names.
	 * @throws Error when the file is there or cannot be written; the journal goes on.
	 */
	backup(file: string): Promise<void>;
	/** Drops copies, reactions, keys and dead letters that are past their bounds. `now` in ms since 1970. */
	prune(now: number): Promise<void>;
}
