import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { type About, explain, explained, FileError, lackOf } from "../files/file-error.ts";

/** The causes of SQLite errors for an admin; the low byte of the code is the class of the error. */
const causes: Readonly<Record<number, string>> = {
	5: "another process uses it: stop that one first",
	6: "another process uses it: stop that one first",
	8: "it cannot be written",
	10: "the disk failed to read or write it",
	11: "it is damaged: restore a backup",
	13: "the disk is full",
	14: "it cannot be opened",
	26: "it is no journal: restore a backup or name another file",
};
/** Errors that SQLite reports without the system's own code: read-only, input/output, full, and not to be opened. */
const [readOnly, io, full, cannotOpen] = [8, 10, 13, 14];

/** Returns the error with the cure for an admin, of an error of SQLite or of the operating system. */
export function journalError(file: string, cause: unknown): Error {
	const about: About = { what: "The journal", path: file, need: "write", own: true, folder: dirname(file) };
	const known = explained(cause, about);
	if (known instanceof FileError) return known;
	const { errcode, message } = cause as { errcode?: number; message?: string };
	const kind = (errcode ?? 0) & 0xff;
	if (kind === full || (kind === io && isFull(dirname(file))))
		return new FileError("ENOSPC", explain("ENOSPC", about), { cause });
	const lack = kind === readOnly || kind === cannotOpen ? lackOf(about) : undefined;
	return (
		lack ?? new Error(`The journal ${file} cannot be used: ${causes[kind] ?? message ?? cause}.`, { cause })
	);
}

/** Returns true if the disk has no block left for this user. */
function isFull(folder: string): boolean {
	try {
		return statfsSync(folder).bavail === 0;
	} catch {
		return false;
	}
}
