import { copyFile, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import Datastore from "nedb-promises";
import type { Log } from "../core/log.ts";
import { type About, explained, FileError } from "../files/file-error.ts";
import { lock } from "./lock.ts";
import { dropTornTail, repairTornTail } from "./torn-tail.ts";
import { wholeFile } from "./whole-file.ts";

export type Doc = Readonly<Record<string, unknown> & { _id: string }>;

export type FileOptions = Readonly<{
	file: string;
	log: Log;
	/** Called once when a write failed; every later call rejects, so the process must stop. */
	onFailure(error: Error): void;
	/** Indexed fields; a unique field occurs in one document only. */
	indexes: readonly Readonly<{ field: string; unique?: true }>[];
	/** Compacts the file after this many appended lines, if they are also four times the number of documents. */
	compactAfter: number;
}>;

/** {@link Documents.put} rejects with it when another document has the value of a unique field. */
export class TakenError extends Error {
	override readonly name = "TakenError";
}

/**
 * Opens documents in one nedb file and adds the safety that nedb lacks: a lock, fsync, repair of a torn tail, and a stop
 * after a failed write. A read sees a write at once; the write is on disk when its promise, or `settled()`, resolves.
 */
export type Documents = Readonly<{
	open(): Promise<void>;
	close(): Promise<void>;
	find(query: object): Promise<readonly Doc[]>;
	get(query: object): Promise<Doc | undefined>;
	/** Every document, not copied. */
	all(): readonly Doc[];
	has(id: string): boolean;
	size(): number;
	/** Stores the document and replaces the one with the same _id. @throws TakenError */
	put(doc: Doc): Promise<void>;
	/** Adds the document. Returns false, and changes nothing, when one with the same _id exists. */
	add(doc: Doc): Promise<boolean>;
	remove(id: string): Promise<void>;
	/** Copies the file, as it is at one moment, to a new path. */
	backup(to: string): Promise<void>;
	/** Resolves when every write so far is on disk. */
	settled(): Promise<void>;
}>;

/** Options that nedb-promises passes through and its types do not declare. */
type Original = Datastore<Doc> & {
	compactDatafileAsync(): Promise<void>;
	getAllData(): readonly Doc[];
	readonly persistence: { persistCachedDatabaseAsync(): Promise<void> };
	readonly indexes: Readonly<Record<string, { getMatching(value: string): readonly Doc[] }>>;
};

const isTaken = (error: unknown) => (error as { errorType?: string }).errorType === "uniqueViolated";

/** Loads the file without the compaction that nedb runs after each load, which takes longer than the load. */
async function load(db: Original): Promise<void> {
	const { persistence } = db;
	const rewrite = persistence.persistCachedDatabaseAsync;
	persistence.persistCachedDatabaseAsync = async () => undefined;
	await db.load();
	persistence.persistCachedDatabaseAsync = rewrite;
}

export function createDocuments({ file, log, onFailure, indexes, compactAfter }: FileOptions): Documents {
	let db: Original;
	let release: (() => Promise<void>) | undefined;
	let failure: Error | undefined = new Error("the mapping is not open");
	let appended = 0;
	const inProgress = new Set<Promise<unknown>>();
	let syncing: Promise<void> = Promise.resolve();
	let next: Promise<void> | undefined;
	const ids = new Set<string>();

	const about: About = { what: "The mapping", path: file, need: "write", own: true, folder: dirname(file) };

	function unusable(cause: unknown): Error {
		const error = explained(cause, about);
		if (error instanceof FileError) return error;
		return new Error(`The mapping ${file} cannot be used: ${(cause as Error).message}.`, { cause });
	}

	/** Stops after a failed write: nedb keeps the change in memory, so memory and disk differ from then on. */
	function fail(cause: unknown): Error {
		if (failure) return failure;
		failure = unusable(cause);
		onFailure(failure);
		return failure;
	}

	/** Syncs the file, since nedb appends without fsync. Opens it by name each time, since a compaction replaces it. */
	async function flush(): Promise<void> {
		const handle = await open(file, "r+");
		try {
			await handle.datasync();
		} finally {
			await handle.close();
		}
	}

	/** Resolves when every line appended before the call is on disk; concurrent callers share one fsync. */
	function synced(): Promise<void> {
		next ??= syncing.then(() => {
			next = undefined;
			syncing = flush();
			return syncing;
		});
		return next;
	}

	async function perform<T>(operation: () => Promise<T>): Promise<T> {
		if (failure) throw failure;
		try {
			const result = await operation();
			appended += 1;
			await synced();
			compactWhenDue();
			return result;
		} catch (error) {
			if (isTaken(error)) throw new TakenError((error as Error).message, { cause: error });
			throw fail(error);
		}
	}

	/**
	 * Reads an index directly, since nedb's own query queues, plans and copies, and each message asks several times. Returns
	 * undefined where the query is no plain lookup, or where a write in nedb's queue may change the answer.
	 */
	function held(query: object): readonly Doc[] | undefined {
		const [only, ...more] = Object.entries(query);
		if (!only || more.length > 0 || inProgress.size > 0) return undefined;
		const [field, value] = only;
		return typeof value === "string" ? db.indexes[field]?.getMatching(value) : undefined;
	}

	/** Runs `work` while nothing else touches the file. */
	function track(work: Promise<unknown>): void {
		const settled: Promise<unknown> = work.catch(() => undefined).finally(() => inProgress.delete(settled));
		inProgress.add(settled);
	}

	function write<T>(operation: () => Promise<T>): Promise<T> {
		const writing = perform(operation);
		track(writing);
		return writing;
	}

	function compactWhenDue(): void {
		if (appended < compactAfter || appended < 4 * ids.size) return;
		track(compact());
	}

	async function compact(): Promise<void> {
		appended = 0;
		try {
			await db.compactDatafileAsync();
		} catch (error) {
			throw fail(error);
		}
	}

	/** The file only grows, or is replaced as a whole, so each prefix of it is a state that it once had. */
	async function copyTo(part: string): Promise<void> {
		await copyFile(file, part);
		await dropTornTail(part);
	}

	return {
		async open() {
			let lines = 0;
			try {
				await mkdir(dirname(file), { recursive: true, mode: 0o700 });
				release = await lock(`${file}.lock`);
				const torn = await repairTornTail(file, Date.now());
				if (torn) log.warn({ file, torn }, "an unfinished line at the end of the mapping was set aside");
				const options = {
					filename: file,
					// Without its torn tail the file holds whole lines: an
					// unreadable one is damage, which nedb would silently drop.
					corruptAlertThreshold: 0,
					modes: { fileMode: 0o600, dirMode: 0o700 },
					// nedb splits lines at these characters when it reads, and does not escape them when it writes.
					afterSerialization: (line: string) =>
						line.replace(
							/[\u0085\u2028\u2029]/g,
							(c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
						),
					beforeDeserialization(line: string) {
						lines += 1;
						return line;
					},
				};
				db = Datastore.create(options) as Original;
				await load(db);
				for (const { field, unique = false } of indexes)
					await db.ensureIndex({ fieldName: field, unique, sparse: true });
			} catch (error) {
				await release?.();
				release = undefined;
				throw unusable(error);
			}
			for (const { _id } of db.getAllData()) ids.add(_id);
			appended = lines - ids.size;
			failure = undefined;
		},
		async close() {
			if (!release) return;
			while (inProgress.size > 0) await Promise.all(inProgress);
			failure ??= new Error("the mapping is closed");
			await release();
			release = undefined;
		},
		async find(query) {
			if (failure) throw failure;
			return held(query) ?? db.find(query);
		},
		async get(query) {
			if (failure) throw failure;
			const found = held(query);
			return found ? found[0] : ((await db.findOne(query)) ?? undefined);
		},
		all: () => db.getAllData(),
		has: (id) => ids.has(id),
		size: () => ids.size,
		put: (doc) =>
			write(async () => {
				await db.update({ _id: doc._id }, doc, { upsert: true });
				ids.add(doc._id);
			}),
		async add(doc) {
			try {
				await write(() => db.insert(doc));
				ids.add(doc._id);
				return true;
			} catch (error) {
				if (!(error instanceof TakenError)) throw error;
				return false;
			}
		},
		remove: (id) =>
			write(async () => {
				await db.remove({ _id: id }, {});
				ids.delete(id);
			}),
		async backup(to) {
			if (failure) throw failure;
			const copying = compact().then(() => wholeFile(to, copyTo));
			track(copying);
			await copying;
		},
		async settled() {
			await Promise.all(inProgress);
			if (failure) throw failure;
		},
	};
}
