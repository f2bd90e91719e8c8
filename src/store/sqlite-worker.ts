import { closeSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { createItemWatch, type Watch } from "./item-in-hand.ts";
import { prepareFile } from "./sqlite-schema.ts";
import { type Calls, journalTables } from "./sqlite-tables.ts";
import { wholeFile } from "./whole-file.ts";

/** One journal call: its name and arguments. */
export type Call = { [Name in keyof Calls]: readonly [Name, ...Parameters<Calls[Name]>] }[keyof Calls];
export type Backup = Readonly<{ backup: string }>;
/** The return value of each call of a batch, and the error of each call that threw. */
export type Results = Readonly<{ values: readonly unknown[]; errors?: ReadonlyMap<number, unknown> }>;
/** The item in hand cannot be noted any more. */
type Unnoted = Readonly<{ unnoted: unknown }>;
export type Answer = Results | Unnoted;
export type Start = Readonly<{ file: string; watch: Watch | undefined }>;
/**
 * The main thread sends one batch or backup at a time, and "close" last. The worker answers "ready" once, then the results
 * of each batch; a backup has the results of one call.
 */
export type Request = readonly Call[] | Backup | "close";

const port = parentPort;
if (!port) throw new Error("sqlite-worker.ts runs as a worker thread");
const { file, watch } = workerData as Start;
createFile();
const db = new DatabaseSync(file);
prepareFile(db);
const tables = journalTables(db);
const statements = {
	begin: db.prepare("BEGIN"),
	commit: db.prepare("COMMIT"),
	rollback: db.prepare("ROLLBACK"),
	save: db.prepare("SAVEPOINT call"),
	release: db.prepare("RELEASE call"),
	undo: db.prepare("ROLLBACK TO call"),
};

/** The file holds message bodies, so only our user may read it. SQLite gives its other files the mode of this one. */
function createFile(): void {
	try {
		closeSync(openSync(file, "wx", 0o600));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
	}
}

const perform = ([name, ...values]: Call): unknown =>
	(tables.calls[name] as (...values: readonly unknown[]) => unknown)(...values);

/** SQLite's codes for a value that does not fit (too big, constraint, mismatch, range): one call's fault, not the file's. */
const ofTheCall = new Set([18, 19, 20, 25]);
const ofTheFile = (error: unknown) => {
	const { code, errcode } = error as { code?: string; errcode?: number };
	return code === "ERR_SQLITE_ERROR" && !ofTheCall.has((errcode ?? 0) & 0xff);
};

function fast(batch: readonly Call[]): Results {
	statements.begin.run();
	const values = batch.map(perform);
	statements.commit.run();
	return { values };
}

/** Runs a batch as `fast` does, but a call that fails rolls back only its own part. */
function careful(batch: readonly Call[]): Results {
	const errors = new Map<number, unknown>();
	statements.begin.run();
	const values = batch.map((call, index) => {
		statements.save.run();
		try {
			return perform(call);
		} catch (error) {
			if (ofTheFile(error)) throw error;
			statements.undo.run();
			tables.rolledBack();
			errors.set(index, error);
			return undefined;
		} finally {
			if (db.isTransaction) statements.release.run();
		}
	});
	statements.commit.run();
	return { values, errors };
}

function transact(batch: readonly Call[]): Results {
	try {
		return fast(batch);
	} catch (error) {
		if (ofTheFile(error)) throw error;
		statements.rollback.run();
		tables.rolledBack();
		return careful(batch);
	}
}

/** Writes a backup. It may be on another disk, so its failure is no failure of the journal. */
async function backUp({ backup }: Backup): Promise<Results> {
	try {
		await wholeFile(backup, async (part) => {
			try {
				db.prepare("VACUUM INTO ?").run(part);
			} finally {
				// On a full disk SQLite leaves this file behind.
				await rm(`${part}-journal`, { force: true });
			}
		});
		return { values: [undefined] };
	} catch (error) {
		return { values: [undefined], errors: new Map([[0, error]]) };
	}
}

port.on("message", async (request: Request) => {
	if (request === "close") {
		db.close();
		port.close();
	} else port.postMessage("backup" in request ? await backUp(request) : transact(request));
});
if (watch) void createItemWatch(watch, (unnoted) => port.postMessage({ unnoted } satisfies Unnoted)).start();
port.postMessage("ready");
