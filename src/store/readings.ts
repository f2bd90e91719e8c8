import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { LatestValue, ReadingChanges, Readings, Sample, ThingFile } from "../core/readings.ts";
import { day } from "../core/time.ts";

/** Bounds: samples by number and age; files by number and bytes; latest values and descriptions by number. */
const defaults = {
	samples: 1_000_000,
	sampleAge: 31 * day,
	files: 200,
	fileBytes: 64 * 1_048_576,
	latest: 50_000,
	descriptions: 10_000,
};
/** The number of saves between two looks at the bounds. */
const lookEvery = 200;

/** The form of the tables. Readings of another form begin anew. */
const version = 2;
const schema = `
CREATE TABLE IF NOT EXISTS latest (room TEXT, topic TEXT, label TEXT, value TEXT, at INTEGER, file TEXT, PRIMARY KEY (room, topic));
CREATE TABLE IF NOT EXISTS sample (room TEXT, topic TEXT, at INTEGER, value REAL, PRIMARY KEY (room, topic, at)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sample_at ON sample (at);
CREATE TABLE IF NOT EXISTS file (id INTEGER PRIMARY KEY, hash TEXT UNIQUE, mime TEXT, bytes BLOB);
CREATE TABLE IF NOT EXISTS description (id INTEGER PRIMARY KEY, key TEXT UNIQUE, text TEXT);
`;

const bounds = {
	samples: "DELETE FROM sample WHERE at <= (SELECT at FROM sample ORDER BY at DESC LIMIT 1 OFFSET ?)",
	sampleAge: "DELETE FROM sample WHERE at < ?",
	files: `DELETE FROM file WHERE id <= (SELECT max(id) FROM (
		SELECT id, sum(length(bytes)) OVER (ORDER BY id DESC) AS size, row_number() OVER (ORDER BY id DESC) AS place FROM file
	) WHERE size > ? OR place > ?)`,
	latest: "DELETE FROM latest WHERE at <= (SELECT at FROM latest ORDER BY at DESC LIMIT 1 OFFSET ?)",
	descriptions:
		"DELETE FROM description WHERE id <= (SELECT id FROM description ORDER BY id DESC LIMIT 1 OFFSET ?)",
} as const;

const statements = {
	latest: "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?)",
	gone: "DELETE FROM latest WHERE room = ? AND topic = ?",
	sample: "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?)",
	file: "INSERT OR REPLACE INTO file (hash, mime, bytes) VALUES (?, ?, ?)",
	describe: "INSERT OR REPLACE INTO description (key, text) VALUES (?, ?)",
	undescribe: "DELETE FROM description WHERE key = ?",
	allLatest: "SELECT room, topic, label, value, at, file FROM latest ORDER BY at",
	samples: "SELECT room, topic, at, value FROM sample WHERE room = ? AND topic = ? AND at >= ? ORDER BY at",
	oneFile: "SELECT hash, mime, bytes FROM file WHERE hash = ?",
	descriptions: "SELECT key, text FROM description ORDER BY id",
	forgetLatest: "DELETE FROM latest WHERE room = ?",
	forgetSamples: "DELETE FROM sample WHERE room = ?",
	begin: "BEGIN",
	commit: "COMMIT",
	rollback: "ROLLBACK",
} as const;
type Sql = Readonly<Record<keyof typeof statements, StatementSync>>;

/**
 * Keeps the readings in an SQLite file of their own, without fsync: a power cut may cost the file, and nothing else. The bridge
 * makes an unreadable file anew.
 */
export function createReadings(folder: string, log: Log, over: Partial<typeof defaults> = {}) {
	const file = join(folder, "readings.db");
	const most = { ...defaults, ...over };
	let database: DatabaseSync | undefined;
	let sql: Sql | undefined;
	let saves = 0;

	function connect(): void {
		const opened = new DatabaseSync(file);
		database = opened;
		opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 100;");
		const { user_version: made } = opened.prepare("PRAGMA user_version").get() as { user_version: number };
		const isNew = opened.prepare("SELECT 1 FROM sqlite_master").get() === undefined;
		if (!isNew && made !== version)
			throw new Error(`the readings are of form ${made} rather than ${version}`);
		opened.exec(schema);
		opened.exec(`PRAGMA user_version = ${version}`);
		const prepared = Object.entries(statements).map(([name, text]) => [name, opened.prepare(text)]);
		sql = Object.fromEntries(prepared) as Sql;
		// A page that a power cut has torn is noticed here, rather than while a person waits.
		sql.allLatest.all();
		sql.descriptions.all();
	}

	function disconnect(): void {
		sql = undefined;
		try {
			database?.close();
		} catch {
			// It was not open.
		}
		database = undefined;
	}

	/** Runs `work`; after a fault nothing is remembered any more, until the next start. */
	function attempt<T>(work: (sql: Sql) => T, otherwise: T): T {
		if (!sql) return otherwise;
		try {
			return work(sql);
		} catch (error) {
			log.warn(
				{ err: error, file },
				"the readings of things cannot be kept; the bridge goes on without them",
			);
			disconnect();
			return otherwise;
		}
	}

	function prune(open: DatabaseSync): void {
		open.prepare(bounds.samples).run(most.samples);
		open.prepare(bounds.sampleAge).run(Date.now() - most.sampleAge);
		open.prepare(bounds.files).run(most.fileBytes, most.files);
		open.prepare(bounds.latest).run(most.latest);
		open.prepare(bounds.descriptions).run(most.descriptions);
	}

	function write(
		to: Sql,
		{ latest = [], gone = [], samples = [], files = [], descriptions = [] }: ReadingChanges,
	): void {
		for (const { room, topic, label, value, at, file = null } of latest)
			to.latest.run(room, topic, label, value, at, file);
		for (const { room, topic } of gone) to.gone.run(room, topic);
		for (const { room, topic, at, value } of samples) to.sample.run(room, topic, at, value);
		for (const { hash, mime = null, bytes } of files) to.file.run(hash, mime, bytes);
		for (const { key, text } of descriptions)
			if (text === null) to.undescribe.run(key);
			else to.describe.run(key, text);
	}

	return {
		/** Opens the file. The caller holds the stores' lock. */
		open(): void {
			try {
				connect();
			} catch (error) {
				log.warn({ err: error, file }, "the readings of things cannot be read; they begin anew");
				disconnect();
				for (const ending of ["", "-wal", "-shm"]) rmSync(file + ending, { force: true });
				try {
					connect();
				} catch (again) {
					log.warn(
						{ err: again, file },
						"the readings of things cannot be kept; the bridge goes on without them",
					);
					disconnect();
				}
			}
			attempt(() => database && prune(database), undefined);
		},
		latest: () =>
			attempt((from) => {
				const all = from.allLatest.all() as (Omit<LatestValue, "file"> & { file: string | null })[];
				return all.map(({ file, ...latest }) => ({ ...latest, ...(file !== null && { file }) }));
			}, []),
		samples: (room, topic, since) => attempt((from) => from.samples.all(room, topic, since) as Sample[], []),
		file: (hash) =>
			attempt((from) => {
				const found = from.oneFile.get(hash) as
					| { hash: string; mime: string | null; bytes: Uint8Array }
					| undefined;
				return found && { hash, bytes: found.bytes, ...(found.mime !== null && { mime: found.mime }) };
			}, undefined) as ThingFile | undefined,
		descriptions: () => attempt((from) => from.descriptions.all() as { key: string; text: string }[], []),
		save(changes) {
			if (Object.values(changes).every((all) => all.length === 0)) return;
			attempt((to) => {
				to.begin.run();
				write(to, changes);
				to.commit.run();
				// A file is large: each one is held against the bound at once.
				if (++saves % lookEvery === 0 || changes.files?.length) database && prune(database);
			}, undefined);
		},
		forget(room: RoomId) {
			attempt((to) => {
				to.forgetLatest.run(room);
				to.forgetSamples.run(room);
			}, undefined);
		},
		close: disconnect,
	} satisfies Readings & Record<string, unknown>;
}
