import type { DatabaseSync } from "node:sqlite";
import { placesSchema } from "./sqlite-places.ts";
import { sharedSchema } from "./sqlite-shared.ts";

/** The schema version of the rows in this file. */
const version = 4;

/** The held rows, one record for each event: `targets` is the JSON of its operations, traces, lanes and delivery plans. */
const held = `
	CREATE TABLE held (
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		origin_room INTEGER NOT NULL, origin_id TEXT NOT NULL,
		event TEXT NOT NULL, targets TEXT NOT NULL
	) STRICT;
	CREATE INDEX held_of_origin ON held (origin_room, origin_id);
`;
/** The step from each earlier version to the next. */
const steps: Readonly<Record<number, string>> = { 1: held, 2: sharedSchema, 3: placesSchema };

const schema = `
	CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
	CREATE TABLE rows (
		-- AUTOINCREMENT: no seq comes a second time, so that a lane misses no row.
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		operation TEXT NOT NULL, trace TEXT NOT NULL, lane INTEGER NOT NULL,
		attempts INTEGER NOT NULL, queued_at INTEGER NOT NULL,
		origin_room INTEGER NOT NULL, origin_id TEXT NOT NULL,
		event TEXT NOT NULL, request TEXT
	) STRICT;
	CREATE INDEX rows_of_lane ON rows (lane);
	CREATE INDEX rows_of_origin ON rows (origin_room, origin_id);
	-- What was given up: a row, and how it ended.
	CREATE TABLE dead (
		seq INTEGER PRIMARY KEY,
		operation TEXT NOT NULL, trace TEXT NOT NULL, lane INTEGER NOT NULL,
		attempts INTEGER NOT NULL, queued_at INTEGER NOT NULL,
		origin_room INTEGER NOT NULL, origin_id TEXT NOT NULL,
		event TEXT NOT NULL, request TEXT,
		reason TEXT NOT NULL, died_at INTEGER NOT NULL, died INTEGER NOT NULL
	) STRICT;
	CREATE INDEX dead_by_death ON dead (died);
	CREATE INDEX dead_of_origin ON dead (origin_room, origin_id);
	CREATE TABLE keys (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at INTEGER NOT NULL) STRICT;
	CREATE TABLE cursors (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
	-- Rows and copies are the many; their lanes and rooms are few and stand here once.
	CREATE TABLE lanes (lane INTEGER PRIMARY KEY, portal TEXT NOT NULL, link TEXT NOT NULL, UNIQUE (portal, link)) STRICT;
	CREATE TABLE rooms (room INTEGER PRIMARY KEY, network TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (network, name)) STRICT;
	CREATE TABLE copies (
		seq INTEGER PRIMARY KEY,
		room INTEGER NOT NULL, id TEXT NOT NULL,
		origin_room INTEGER NOT NULL, origin_id TEXT NOT NULL,
		at INTEGER NOT NULL,
		UNIQUE (room, id)
	) STRICT;
	CREATE INDEX copies_of_origin ON copies (origin_room, origin_id);
	CREATE TABLE reactions (
		seq INTEGER PRIMARY KEY,
		room INTEGER NOT NULL, message TEXT NOT NULL, sender TEXT NOT NULL,
		emoji TEXT NOT NULL, id TEXT,
		at INTEGER NOT NULL
	) STRICT;
	CREATE INDEX reactions_of_sender ON reactions (room, message, sender);
	CREATE INDEX reactions_by_id ON reactions (room, id) WHERE id IS NOT NULL;
	CREATE TABLE members (
		seq INTEGER PRIMARY KEY,
		room INTEGER NOT NULL, person_network TEXT NOT NULL, person_id TEXT NOT NULL, person TEXT NOT NULL,
		UNIQUE (room, person_network, person_id)
	) STRICT;
	${held}
	${sharedSchema}
	${placesSchema}
`;

/** Prepares the file, once per open. @throws Error when it is of a later version. */
export function prepareFile(db: DatabaseSync): void {
	// Exclusive mode: the kernel keeps a second process out, and releases the lock however this one dies.
	db.exec("PRAGMA locking_mode = EXCLUSIVE");
	db.exec("PRAGMA journal_mode = WAL");
	db.exec("PRAGMA synchronous = FULL");
	// The write-ahead log shrinks after a burst and frees its disk space.
	db.exec("PRAGMA journal_size_limit = 67108864");
	db.exec("BEGIN IMMEDIATE");
	if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get()) {
		db.exec(schema);
		db.prepare("INSERT INTO meta VALUES ('schema', ?), ('running', 0)").run(version);
	}
	const schemaOf = () => db.prepare("SELECT value FROM meta WHERE name = 'schema'").get()?.value as number;
	for (let step = steps[schemaOf()]; step; step = steps[schemaOf()]) {
		db.exec(step);
		db.exec("UPDATE meta SET value = value + 1 WHERE name = 'schema'");
	}
	db.exec("COMMIT");
	const found = schemaOf();
	if (found !== version)
		throw new Error(`it is of schema ${found}, this release knows ${version}: run the release that wrote it`);
}
