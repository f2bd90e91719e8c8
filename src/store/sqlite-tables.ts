import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { bounds, ranFor } from "./bounds.ts";

/** What the rows of this file mean; see `open` for what happens to other versions. */
const version = 1;

const schema = `
	CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
	CREATE TABLE rows (
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		operation TEXT NOT NULL, trace TEXT NOT NULL,
		portal TEXT NOT NULL, link TEXT NOT NULL,
		state TEXT NOT NULL, attempts INTEGER NOT NULL, queued_at INTEGER NOT NULL,
		event TEXT NOT NULL
	) STRICT;
	CREATE INDEX rows_of_lane ON rows (portal, link);
	CREATE TABLE dead (
		seq INTEGER PRIMARY KEY,
		operation TEXT NOT NULL, trace TEXT NOT NULL,
		portal TEXT NOT NULL, link TEXT NOT NULL,
		state TEXT NOT NULL, attempts INTEGER NOT NULL, queued_at INTEGER NOT NULL,
		event TEXT NOT NULL,
		reason TEXT NOT NULL, died_at INTEGER NOT NULL, died INTEGER NOT NULL
	) STRICT;
	CREATE INDEX dead_by_death ON dead (died);
	CREATE TABLE keys (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at INTEGER NOT NULL) STRICT;
	-- Copies are the many; their rooms are few and stand here once.
	CREATE TABLE rooms (room INTEGER PRIMARY KEY, network TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (network, name)) STRICT;
	CREATE TABLE copies (
		seq INTEGER PRIMARY KEY,
		room INTEGER NOT NULL, id TEXT NOT NULL,
		origin_room INTEGER NOT NULL, origin_id TEXT NOT NULL,
		at INTEGER NOT NULL,
		UNIQUE (room, id)
	) STRICT;
	CREATE INDEX copies_of_origin ON copies (origin_room, origin_id);
	CREATE TABLE members (
		seq INTEGER PRIMARY KEY,
		room INTEGER NOT NULL, person_network TEXT NOT NULL, person_id TEXT NOT NULL, person TEXT NOT NULL,
		UNIQUE (room, person_network, person_id)
	) STRICT;
`;

/** `event` and `person` are JSON, made and read on the main thread, so that it is done once. */
export type RowText = Readonly<{
	operation: string;
	trace: string;
	portal: string;
	link: string;
	event: string;
}>;
export type EntryText = Readonly<{
	key: string;
	rows: readonly RowText[];
	member?: Readonly<{ place: Place; network: string; id: string; person: string; present: boolean }>;
}>;
export type StoredRow = RowText &
	Readonly<{ seq: number; state: "waiting" | "doubt"; attempts: number; queuedAt: number }>;
export type Place = readonly [network: string, room: string];
export type StoredCopy = Readonly<{ network: string; room: string; id: string }>;

/** Prepares the file, once per open. @throws Error when it is of a later version. */
export function prepareFile(db: DatabaseSync): void {
	// Exclusive: the kernel then keeps a second process out, and lets go however this one dies.
	db.exec("PRAGMA locking_mode = EXCLUSIVE");
	db.exec("PRAGMA journal_mode = WAL");
	db.exec("PRAGMA synchronous = FULL");
	// After a burst the write-ahead log gives its room on the disk back.
	db.exec("PRAGMA journal_size_limit = 67108864");
	db.exec("BEGIN IMMEDIATE");
	if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get()) {
		db.exec(schema);
		db.prepare("INSERT INTO meta VALUES ('schema', ?), ('running', 0)").run(version);
	}
	db.exec("COMMIT");
	const found = db.prepare("SELECT value FROM meta WHERE name = 'schema'").get()?.value;
	if (found !== version)
		throw new Error(`it is of schema ${found}, this release knows ${version}: run the release that wrote it`);
}

/** The calls of a journal as plain statements; the worker runs them inside its transactions. */
export function journalTables(db: DatabaseSync) {
	const statement = (sql: string) => {
		const prepared = db.prepare(sql);
		return {
			run: (...values: SQLInputValue[]) => prepared.run(...values),
			// Each is cast once, to the columns its SQL names.
			get: (...values: SQLInputValue[]): unknown => prepared.get(...values),
			all: (...values: SQLInputValue[]): unknown => prepared.all(...values),
		};
	};
	const row = "seq, operation, trace, portal, link, state, attempts, queued_at AS queuedAt, event";
	const sql = {
		key: statement("INSERT OR IGNORE INTO keys (key, at) VALUES (?, ?)"),
		row: statement(
			"INSERT INTO rows (operation, trace, portal, link, state, attempts, queued_at, event) VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?)",
		),
		join: statement(
			"INSERT INTO members (room, person_network, person_id, person) VALUES (?, ?, ?, ?) ON CONFLICT (room, person_network, person_id) DO UPDATE SET person = excluded.person",
		),
		leave: statement("DELETE FROM members WHERE room = ? AND person_network = ? AND person_id = ?"),
		room: statement("SELECT room FROM rooms WHERE network = ? AND name = ?"),
		newRoom: statement("INSERT INTO rooms (network, name) VALUES (?, ?)"),
		lanes: statement(
			"SELECT portal, link, count(*) AS depth FROM rows GROUP BY portal, link ORDER BY min(seq)",
		),
		rows: statement(`SELECT ${row} FROM rows WHERE portal = ? AND link = ? AND seq > ? ORDER BY seq LIMIT ?`),
		attempt: statement("UPDATE rows SET state = 'doubt', attempts = attempts + 1 WHERE seq = ?"),
		bury: statement(
			"INSERT INTO dead SELECT *, ?, ?, (SELECT coalesce(max(died), 0) + 1 FROM dead) FROM rows WHERE seq = ?",
		),
		remove: statement("DELETE FROM rows WHERE seq = ?"),
		copy: statement(
			"INSERT OR REPLACE INTO copies (room, id, origin_room, origin_id, at) VALUES (?, ?, ?, ?, ?)",
		),
		origin: statement("SELECT origin_room AS room, origin_id AS id FROM copies WHERE room = ? AND id = ?"),
		copies: statement(
			"SELECT network, name AS room, id FROM copies JOIN rooms USING (room) WHERE origin_room = ? AND origin_id = ? ORDER BY seq",
		),
		roomName: statement("SELECT network, name AS room FROM rooms WHERE room = ?"),
		members: statement("SELECT person FROM members WHERE room = ? ORDER BY seq"),
		forget: statement("DELETE FROM members WHERE room = ?"),
		dead: statement(`SELECT ${row}, reason, died_at AS diedAt FROM dead ORDER BY died DESC LIMIT ?`),
		stats: statement(
			"SELECT (SELECT count(*) FROM rows) AS waiting, (SELECT queued_at FROM rows ORDER BY seq LIMIT 1) AS oldest, (SELECT count(*) FROM dead) AS dead",
		),
		running: statement("SELECT value FROM meta WHERE name = 'running'"),
		setRunning: statement("UPDATE meta SET value = ? WHERE name = 'running'"),
		// Both scan no further than they delete: the oldest come first.
		pruneKeys: statement(`DELETE FROM keys
			WHERE seq < coalesce((SELECT seq FROM keys WHERE at >= ? ORDER BY seq LIMIT 1), 9e15)
			AND seq <= (SELECT max(seq) FROM keys) - ${bounds.keys.count}`),
		pruneOldCopies: statement(
			"DELETE FROM copies WHERE seq < coalesce((SELECT seq FROM copies WHERE at >= ? ORDER BY seq LIMIT 1), 9e15)",
		),
		pruneManyCopies: statement(
			`DELETE FROM copies WHERE seq <= (SELECT seq FROM copies ORDER BY seq DESC LIMIT 1 OFFSET ${bounds.copies.count})`,
		),
		pruneDead: statement("DELETE FROM dead WHERE died_at < ?"),
	};

	const known = new Map<string, number>();
	let running = (sql.running.get() as { value: number }).value;
	let pruned: number | undefined;

	/** Undefined for a room nothing was stored about: to look must not write. */
	function findRoom(place: Place): number | undefined {
		const name = place.join(" ");
		const number = known.get(name) ?? (sql.room.get(...place) as { room: number } | undefined)?.room;
		if (number !== undefined) known.set(name, number);
		return number;
	}
	const roomNumber = (place: Place) => findRoom(place) ?? Number(sql.newRoom.run(...place).lastInsertRowid);
	const firstTime = (key: string) => sql.key.run(key, running).changes > 0;

	return {
		/** What is cached may not be true any more. */
		rolledBack(): void {
			known.clear();
			running = (sql.running.get() as { value: number }).value;
		},
		calls: {
			/** The seq of the first row of each entry; its others follow it. 0 for an entry that was known. */
			accept(entries: readonly EntryText[], now: number): readonly number[] {
				return entries.map(({ key, rows, member }) => {
					if (!firstTime(key)) return 0;
					if (member?.present)
						sql.join.run(roomNumber(member.place), member.network, member.id, member.person);
					else if (member) sql.leave.run(roomNumber(member.place), member.network, member.id);
					let last = 0;
					for (const { operation, trace, portal, link, event } of rows)
						last = Number(sql.row.run(operation, trace, portal, link, now, event).lastInsertRowid);
					return last - rows.length + 1;
				});
			},
			once: firstTime,
			lanes: () => sql.lanes.all() as readonly { portal: string; link: string; depth: number }[],
			rows: (portal: string, link: string, after: number, limit: number) =>
				sql.rows.all(portal, link, after, limit) as readonly StoredRow[],
			attempt: (seq: number): void => {
				sql.attempt.run(seq);
			},
			done(
				seq: number,
				origin: Readonly<{ place: Place; id: string }>,
				target: Place,
				ids: readonly string[],
				now: number,
			): void {
				if (sql.remove.run(seq).changes === 0) return;
				for (const id of ids) sql.copy.run(roomNumber(target), id, roomNumber(origin.place), origin.id, now);
			},
			refuse(seq: number, reason: string, now: number): void {
				sql.bury.run(reason, now, seq);
				sql.remove.run(seq);
			},
			copies(place: Place, id: string): readonly StoredCopy[] {
				const asked = { room: findRoom(place) ?? 0, id };
				const origin = (sql.origin.get(asked.room, id) as typeof asked | undefined) ?? asked;
				const found = sql.copies.all(origin.room, origin.id) as readonly StoredCopy[];
				if (found.length === 0) return [];
				const where = sql.roomName.get(origin.room) as { network: string; room: string };
				return [{ ...where, id: origin.id }, ...found];
			},
			members: (place: Place) =>
				(sql.members.all(findRoom(place) ?? 0) as readonly { person: string }[]).map(({ person }) => person),
			forget: (place: Place): void => {
				sql.forget.run(findRoom(place) ?? 0);
			},
			dead: (limit: number) =>
				sql.dead.all(limit) as readonly (StoredRow & { reason: string; diedAt: number })[],
			stats: () => sql.stats.get() as { waiting: number; oldest: number | null; dead: number },
			prune(now: number): void {
				running += ranFor(pruned, now);
				pruned = now;
				sql.setRunning.run(running);
				sql.pruneKeys.run(running - bounds.keys.age);
				sql.pruneOldCopies.run(now - bounds.copies.age);
				sql.pruneManyCopies.run();
				sql.pruneDead.run(now - bounds.dead.age);
			},
		},
	};
}

export type Calls = ReturnType<typeof journalTables>["calls"];
