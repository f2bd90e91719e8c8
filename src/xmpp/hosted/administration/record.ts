import { dataBytes } from "../../../core/bounded-map.ts";
import { skeleton } from "../../../core/confusable.ts";
import type { RoomId } from "../../../core/ids.ts";
import type { Log } from "../../../core/log.ts";
import type { Bridge } from "../../../core/network.ts";

/**
 * The record of a hosted room: the affiliations, nicks and roles that its source
 * cannot hold. People are known by {@link personKey}.
 */
export type RoomRecord = Readonly<{
	/** The members of a room that everybody may join, each with their bare JID. */
	members: ReadonlyMap<string, string>;
	/** The nicks that belong to somebody (XEP-0045 §7.10). */
	nicks: ReadonlyMap<string, Readonly<{ jid: string; nick: string }>>;
	/** Banned domains of JIDs, each with the reason. */
	domains: ReadonlyMap<string, string>;
	/** People who are moderators until they leave: the level that they got for it, and the bare JID of the admin who gave it. */
	moderators: ReadonlyMap<string, Readonly<{ jid: string; level: number; by: string }>>;
}>;

/** One change of a record; a value of undefined removes the entry. */
export type RecordChange = {
	[List in keyof RoomRecord]: Readonly<{ list: List; key: string; value: Value<List> | undefined }>;
}[keyof RoomRecord];
type Value<List extends keyof RoomRecord> =
	RoomRecord[List] extends ReadonlyMap<string, infer One> ? One : never;

export const emptyRecord: RoomRecord = {
	members: new Map(),
	nicks: new Map(),
	domains: new Map(),
	moderators: new Map(),
};
const lists = Object.keys(emptyRecord) as (keyof RoomRecord)[];

/** Entries of one room, and the bytes of all rooms. An entry beyond them is refused: a ban that is forgotten would be none. */
const [mostOfRoom, mostBytes] = [2_000, 16 * 1_048_576];
const prefix = "xmpp kept ";

/** Returns a record after some changes. */
export function recordAfter(before: RoomRecord, changes: readonly RecordChange[]): RoomRecord {
	const after = Object.fromEntries(lists.map((list) => [list, new Map<string, unknown>(before[list])]));
	for (const { list, key, value } of changes)
		if (value === undefined) after[list]?.delete(key);
		else after[list]?.set(key, value);
	return after as unknown as RoomRecord;
}

/** The people to whom nicks belong, by the skeletons of these: a large room asks for each of its members when it is loaded. */
const owners = new WeakMap<RoomRecord["nicks"], ReadonlyMap<string, string>>();

/** Returns the key of the person to whom a nick belongs, or one that looks like it. */
export function nickOwner({ nicks }: RoomRecord, nick: string): string | undefined {
	if (nicks.size === 0) return undefined;
	const known = owners.get(nicks) ?? new Map([...nicks].map(([key, one]) => [skeleton(one.nick), key]));
	owners.set(nicks, known);
	return known.get(skeleton(nick));
}

const sizeOf = (record: RoomRecord): number => lists.reduce((sum, list) => sum + record[list].size, 0);
const written = (record: RoomRecord): string =>
	JSON.stringify(Object.fromEntries(lists.map((list) => [list, [...record[list]]])));

function read(text: string): RoomRecord {
	const stored = JSON.parse(text) as Readonly<Record<string, readonly (readonly [string, never])[]>>;
	return Object.fromEntries(
		lists.map((list) => [list, new Map<string, unknown>(stored[list] ?? [])]),
	) as unknown as RoomRecord;
}

/** Keeps the records of rooms in the journal, by the room of the view. */
export function createRecords(deps: {
	bridge(): Pick<Bridge, "cursors" | "saveCursor">;
	log: Log;
	/** Called when the record of a room has changed. */
	changed(room: RoomId, record: RoomRecord): void;
	bound?: Readonly<{ ofRoom: number; bytes: number }>;
}) {
	const { bound = { ofRoom: mostOfRoom, bytes: mostBytes } } = deps;
	const rooms = new Map<RoomId, RoomRecord>();
	let bytes = 0;
	const bytesOf = (record: RoomRecord): number => (sizeOf(record) > 0 ? dataBytes(written(record)) : 0);
	const of = (room: RoomId): RoomRecord => rooms.get(room) ?? emptyRecord;

	function put(room: RoomId, record: RoomRecord): void {
		bytes -= bytesOf(of(room));
		if (sizeOf(record) === 0) rooms.delete(room);
		else rooms.set(room, record);
		bytes += bytesOf(record);
	}

	/** Replaces the record of a room, in memory at once and then on disk. */
	function replace(room: RoomId, record: RoomRecord): void {
		put(room, record);
		deps.changed(room, record);
		const value = sizeOf(record) > 0 ? written(record) : undefined;
		deps
			.bridge()
			.saveCursor({ key: `${prefix}${room}`, value })
			.catch((error: unknown) => deps.log.warn({ err: error, room }, "an affiliation could not be noted"));
	}

	/** Returns true if there is space for some changes. */
	function takes(room: RoomId, changes: readonly RecordChange[]): boolean {
		const [before, after] = [of(room), recordAfter(of(room), changes)];
		const more = bytesOf(after) - bytesOf(before);
		return more <= 0 || (sizeOf(after) <= bound.ofRoom && bytes + more <= bound.bytes);
	}

	function change(room: RoomId, changes: readonly RecordChange[]): void {
		if (changes.length > 0) replace(room, recordAfter(of(room), changes));
	}

	return {
		/** Reads the records of earlier runs. */
		async load(): Promise<void> {
			for (const { key, value } of await deps.bridge().cursors(prefix))
				put(key.slice(prefix.length) as RoomId, read(value));
		},
		of,
		takes,
		change,
		/** Makes changes that the source has made already. Nobody can be told of a full record, so the log tells of it. */
		follow(room: RoomId, changes: readonly RecordChange[]): void {
			if (takes(room, changes)) change(room, changes);
			else
				deps.log.warn(
					{ room, changes: changes.length },
					"the bridge's record of a room is full, so it misses members or banned domains",
				);
		},
		/** Forgets a room that is no more. */
		forget(room: RoomId): void {
			if (rooms.has(room)) replace(room, emptyRecord);
		},
	};
}
export type Records = ReturnType<typeof createRecords>;
