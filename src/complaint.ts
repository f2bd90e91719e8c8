import { ConfigError } from "./config.ts";
import { PermanentError, TemporaryError } from "./core/errors.ts";
import * as phrases from "./core/phrases.ts";
import { explain, FileError, isFileError } from "./files/file-error.ts";

/** The uses of a file for which system calls fail, by call; all others read and write the file. */
const needs = new Map<string | undefined, "read" | "make">([
	["mkdir", "make"],
	["rename", "make"],
	["copyfile", "make"],
	["scandir", "read"],
	["stat", "read"],
	["access", "read"],
]);

/**
 * Returns the text that an admin reads when the bridge cannot start: one line with the cause and the cure. A fault in the
 * bridge itself is returned whole, with its stack, for the developer.
 */
export function complaint(error: unknown): unknown {
	if (!(error instanceof Error)) return error;
	const { code, syscall, path, address, port } = error as NodeJS.ErrnoException & {
		address?: string;
		port?: number;
	};
	if (syscall === "listen" && code) return phrases.cannotListenThere(`${address}:${port}`, code);
	// A place that names no file of its own still answers with the whole sentence.
	if (isFileError(error) && path !== undefined)
		return explain(error.code ?? "", { what: "The file", path, need: needs.get(syscall) ?? "write" });
	const forPeople = [ConfigError, FileError, PermanentError, TemporaryError];
	const explained = forPeople.some((one) => error instanceof one);
	// A plain Error was thrown on purpose, with a text for people; TypeError and other subclasses are programming errors.
	return explained || Object.getPrototypeOf(error) === Error.prototype ? error.message : error;
}
