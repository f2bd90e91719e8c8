import { constants, existsSync } from "node:fs";
import { access, copyFile, mkdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Config, loadConfig } from "./config.ts";
import type { Journal } from "./core/journal.ts";
import type { Mapping } from "./core/mapping.ts";
import * as phrases from "./core/phrases.ts";
import { type About, withFile } from "./files/file-error.ts";
import { askForBackup } from "./http/control.ts";
import { aboutRegistration } from "./matrix/registration.ts";
import { mustBeHere } from "./places.ts";

const names = {
	journal: "journal.db",
	mapping: "mapping.db",
	registration: "registration.yaml",
	config: "config.yaml",
};

export type Stores = Readonly<{ journal: Journal; mapping: Mapping }>;
/** Returns the path of the control socket of a running bridge. */
export const socketOf = (config: Config) => join(config.store.directory, "control.sock");

/**
 * Writes a backup (journal, mapping, registration and config) into a new folder. @throws Error when the folder exists or
 * cannot be written; an incomplete backup is deleted.
 */
export async function writeBackup(
	{ journal, mapping }: Pick<Stores, "journal" | "mapping">,
	from: Readonly<{ config: Config; file: string }>,
	folder: string,
): Promise<void> {
	const about = { what: "The backup", path: folder, need: "make", taken: phrases.backupTaken } as const;
	await withFile(about, () => mkdir(folder, { mode: 0o700 }));
	try {
		// The journal is copied before the mapping: see Journal.backup.
		await journal.backup(join(folder, names.journal));
		await mapping.backup(join(folder, names.mapping));
		const { registration } = from.config.matrix.appservice;
		await copy(aboutRegistration(registration), registration, join(folder, names.registration));
		await copy({ what: "The config", path: from.file, need: "read" }, from.file, join(folder, names.config));
	} catch (error) {
		await rm(folder, { recursive: true, force: true });
		throw error;
	}
}

/** Copies a file to a path where there is none. @throws FileError, about the file or about the copy */
async function copy(about: About, from: string, to: string): Promise<void> {
	await withFile(about, () => access(from, constants.R_OK));
	await withFile({ what: `The copy of ${from}`, path: to, need: "make" }, () =>
		copyFile(from, to, constants.COPYFILE_EXCL),
	);
}

/** Runs `backup FOLDER`: asks the running bridge for it, else opens the stores and copies them. */
export async function backup(
	config: Config,
	file: string,
	folder: string,
	open: () => Promise<Stores & { close(): Promise<void> }>,
	print: (line: string) => void = console.log,
): Promise<boolean> {
	const to = resolve(folder);
	if (!(await askForBackup(socketOf(config), to))) {
		const stores = await open();
		try {
			await writeBackup(stores, { config, file: resolve(file) }, to);
		} finally {
			await stores.close();
		}
	}
	print(phrases.backupWritten(to));
	return true;
}

/** Runs `restore FOLDER`: copies the backup to the paths in the config. Resolves with false if a target exists. */
export async function restore(
	folder: string,
	file: string,
	print: (line: string) => void = console.log,
): Promise<boolean> {
	const from = (name: keyof typeof names) => join(folder, names[name]);
	const missing = Object.values(names).filter((name) => !existsSync(join(folder, name)));
	if (missing.length > 0) {
		print(phrases.noBackup(folder, missing.join(", ")));
		return false;
	}
	// An existing config stays, and its paths are used; without one the backup's config is restored as well.
	const fresh = !existsSync(file);
	const config = loadConfig(fresh ? from("config") : file);
	mustBeHere(config, file);
	const store = (name: string) => join(config.store.directory, name);
	const { registration } = config.matrix.appservice;
	const targets = [
		[from("journal"), store(names.journal)],
		[from("mapping"), store(names.mapping)],
		[from("registration"), registration],
		...(fresh ? [[from("config"), file] as const] : []),
	] as const;
	// SQLite would read a leftover -wal or -shm file as the newest part of the restored journal.
	const beside = ["-wal", "-shm"].map((end) => store(names.journal + end));
	const there = [...targets.map(([, to]) => to), ...beside].filter((one) => existsSync(one));
	if (there.length > 0) {
		print(phrases.restoreInTheWay(there.join(", ")));
		return false;
	}
	for (const [source, to] of targets) {
		await withFile({ what: "The folder", path: dirname(to), need: "make" }, () =>
			mkdir(dirname(to), { recursive: true, mode: 0o700 }),
		);
		await copy({ what: "The backup", path: source, need: "read" }, source, to);
	}
	print(phrases.restored(config.store.directory, fresh ? file : undefined));
	return true;
}
