import { dataBytes } from "../../../core/bounded-map.ts";
import { skeleton } from "../../../core/confusable.ts";
import type { RoomId } from "../../../core/ids.ts";
import type { Log } from "../../../core/log.ts";
import type { Bridge } from "../../../core/network.ts";

/**
 * The record of a hosted room: the affiliations, nicks and roles that its source
 * cannot hold. People are known by {@link personKey}.
 */
export type Kept = Readonly<{
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
export type KeptChange = {
	[List in keyof Kept]: Readonly<{ list: List; key: string; value: Value<List> | undefined }>;
}[keyof Kept];
type Value<List extends keyof Kept> = Kept[List] extends ReadonlyMap<string, infer One> ? One : never;

export const nothingKept: Kept = {
	members: new Map(),
	nicks: new Map(),
	domains: new Map(),
	moderators: new Map(),
};
const lists = Object.keys(nothingKept) as (keyof Kept)[];

/** Entries of one room, and the bytes of all rooms. An entry beyond them is refused: a ban that is forgotten would be none. */
const [mostOfRoom, mostBytes] = [2_000, 16 * 1_048_576];
const prefix = "xmpp kept ";

/** Returns a record after some changes. */
export function keptAfter(before: Kept, changes: readonly KeptChange[]): Kept {
	const after = Object.fromEntries(lists.map((list) => [list, new Map<string, unknown>(before[list])]));
	for (const { list, key, value } of changes)
		if (value === undefined) after[list]?.delete(key);
		else after[list]?.set(key, value);
	return after as unknown as Kept;
}

/** The people to whom nicks belong, by the skeletons of these: a large room asks for each of its members when it is loaded. */
const owners = new WeakMap<Kept["nicks"], ReadonlyMap<string, string>>();

/** Returns the key of the person to whom a nick belongs, or one that looks like it. */
export function nickOwner({ nicks }: Kept, nick: string): string | undefined {
	if (nicks.size === 0) return undefined;
	const known = owners.get(nicks) ?? new Map([...nicks].map(([key, one]) => [skeleton(one.nick), key]));
	owners.set(nicks, known);
	return known.get(skeleton(nick));
}

const sizeOf = (kept: Kept): number => lists.reduce((sum, list) => sum + kept[list].size, 0);
const written = (kept: Kept): string =>
	JSON.stringify(Object.fromEntries(lists.map((list) => [list, [...kept[list]]])));

function read(text: string): Kept {
	const stored = JSON.parse(text) as Readonly<Record<string, readonly (readonly [string, never])[]>>;
	return Object.fromEntries(
		lists.map((list) => [list, new Map<string, unknown>(stored[list] ?? [])]),
	) as unknown as Kept;
}

/** Keeps the records of rooms in the journal, by the room of the view. */
export function createKeptStore(deps: {
	bridge(): Pick<Bridge, "cursors" | "saveCursor">;
	log: Log;
	/** Called when the record of a room has changed. */
	changed(room: RoomId, kept: Kept): void;
	bound?: Readonly<{ ofRoom: number; bytes: number }>;
}) {
	const { bound = { ofRoom: mostOfRoom, bytes: mostBytes } } = deps;
	const rooms = new Map<RoomId, Kept>();
	let bytes = 0;
	const bytesOf = (kept: Kept): number => (sizeOf(kept) > 0 ? dataBytes(written(kept)) : 0);
	const of = (room: RoomId): Kept => rooms.get(room) ?? nothingKept;

	function put(room: RoomId, kept: Kept): void {
		bytes -= bytesOf(of(room));
		if (sizeOf(kept) === 0) rooms.delete(room);
		else rooms.set(room, kept);
		bytes += bytesOf(kept);
	}

	/** Replaces the record of a room, in memory at once and then on disk. */
	function replace(room: RoomId, kept: Kept): void {
		put(room, kept);
		deps.changed(room, kept);
		const value = sizeOf(kept) > 0 ? written(kept) : undefined;
		deps
			.bridge()
			.saveCursor({ key: `${prefix}${room}`, value })
			.catch((error: unknown) => deps.log.warn({ err: error, room }, "an affiliation could not be noted"));
	}

	/** Returns true if there is space for some changes. */
	function takes(room: RoomId, changes: readonly KeptChange[]): boolean {
		const [before, after] = [of(room), keptAfter(of(room), changes)];
		const more = bytesOf(after) - bytesOf(before);
		return more <= 0 || (sizeOf(after) <= bound.ofRoom && bytes + more <= bound.bytes);
	}

	function change(room: RoomId, changes: readonly KeptChange[]): void {
		if (changes.length > 0) replace(room, keptAfter(of(room), changes));
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
		follow(room: RoomId, changes: readonly KeptChange[]): void {
			if (takes(room, changes)) change(room, changes);
			else
				deps.log.warn(
					{ room, changes: changes.length },
					"the bridge's record of a room is full, so it misses members or banned domains",
				);
		},
		/** Forgets a room that is no more. */
		forget(room: RoomId): void {
			if (rooms.has(room)) replace(room, nothingKept);
		},
	};
}
export type KeptStore = ReturnType<typeof createKeptStore>;
