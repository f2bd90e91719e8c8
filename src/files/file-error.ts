import { accessSync, constants, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import * as phrases from "./phrases.ts";

/** An error about a file whose message is for an admin: the file, the user, the rights, and the command that mends it. */
export class FileError extends Error {
	override readonly name = "FileError";
	/** Such as EACCES. */
	readonly code: string;
	constructor(code: string, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

export type About = Readonly<{
	/** The file in words, as a sentence begins: “The journal”. */
	what: string;
	path: string;
	/** read: an existing file. write: a file to read, write and create. make: a new file or folder. */
	need: phrases.Need;
	/** True for a file that only the bridge uses, so that its owner, if it is not root, is the user that the bridge ran as. */
	own?: boolean;
	/** The folder that belongs to the bridge with all it holds, if the file is in one. */
	folder?: string;
	/** The option of the config that names the file, or its folder. */
	option?: string;
	/** The cure, a sentence, if the file is not there, or is there already. */
	missing?: string;
	taken?: string;
}>;

/** The process: its user, and whether it runs in a container. */
type Facts = Readonly<{ user: User; container: boolean }>;
type User = Readonly<{ id: number; group: number; name: string }>;
/** The first thing on the way to a file that the process may not use. */
type Lack = Readonly<{ at: string; right: "enter" | "read" | "write" | "make"; uid: number; mode: number }>;

/** Returns true for an error of the operating system about a file. */
export const isFileError = (error: unknown): error is NodeJS.ErrnoException =>
	error instanceof Error &&
	typeof (error as NodeJS.ErrnoException).code === "string" &&
	known.has(codeOf(error));
const codeOf = (error: unknown) => String((error as NodeJS.ErrnoException).code);
const known = new Set([
	...["EACCES", "EPERM", "ENOENT", "EEXIST", "EISDIR", "ENOTDIR", "ENOTEMPTY"],
	...["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EMFILE", "ENFILE", "EIO"],
]);

/** Returns the error that an admin is to read instead of `error`, which is returned as it is if it is about no file. */
export function explained(error: unknown, about: About): unknown {
	if (error instanceof FileError || !isFileError(error)) return error;
	return new FileError(codeOf(error), explain(codeOf(error), about), { cause: error });
}

/** Resolves as `work` does. @throws FileError in place of an error about the file. */
export async function withFile<T>(about: About, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		throw explained(error, about);
	}
}

/** Returns what `work` returns. @throws FileError in place of an error about the file. */
export function withFileSync<T>(about: About, work: () => T): T {
	try {
		return work();
	} catch (error) {
		throw explained(error, about);
	}
}

/** Returns the rights that the process lacks to use a file, as a FileError; undefined if it lacks none. */
export function lackOf(about: About): FileError | undefined {
	const lack = lackAt(resolve(about.path), about.need);
	return lack && new FileError("EACCES", explain("EACCES", about));
}

/** Returns the sentence for an error code of the operating system. */
export function explain(code: string, about: About, facts: Facts = factsNow()): string {
	const { what, need, option } = about;
	const path = resolve(about.path);
	const say = (why: string, cure: string) =>
		phrases.cannot(`${what} ${about.path}`, need, code, why, `${cure.replace(/\.$/, "")}.`);
	switch (code) {
		case "ENOENT":
			return say(...missing(path, about, facts));
		case "EEXIST":
		case "ENOTEMPTY":
			return statOf(path)?.isDirectory() === false && path === resolve(about.folder ?? "/")
				? say(phrases.isNoFolder(path), phrases.moveAway(option))
				: say(phrases.thereAlready(path), about.taken ?? phrases.moveAway(option));
		case "EISDIR":
			return say(phrases.isFolder(path), phrases.nameFile(option));
		case "ENOTDIR":
			return say(phrases.isNoFolder(fileAbove(path)), phrases.moveAway(option));
		case "ENOSPC":
		case "EDQUOT":
			return say(phrases.diskFull(nearestFolder(path)), phrases.makeRoom(quote(nearestFolder(path))));
		case "EFBIG":
			return say(phrases.tooLarge, phrases.allowLarger);
		case "EROFS":
			return say(phrases.diskReadOnly(nearestFolder(path)), phrases.letWrite(nearestFolder(path)));
		case "EMFILE":
		case "ENFILE":
			return say(phrases.tooManyFiles, phrases.allowMoreFiles);
		case "EIO":
			return say(phrases.diskFailed, phrases.lookAtDisk);
		default: {
			const lack = lackAt(path, need);
			if (!lack)
				return say(
					phrases.forbiddenElsewhere(path, facts.user.name),
					facts.container ? phrases.lookAtMount : phrases.lookAtPolicy,
				);
			const { at, uid, mode, right } = lack;
			const verb = {
				enter: "enter it",
				read: "read it",
				write: "read and write it",
				make: "make files in it",
			};
			return say(
				phrases.noRight(at, nameOf(uid), mode.toString(8), facts.user.name, verb[right]),
				cureOf(lack, path, about, facts),
			);
		}
	}
}

function factsNow(): Facts {
	const id = process.getuid?.() ?? 0;
	const group = process.getgid?.() ?? 0;
	// The image sets the variable, and so do the container managers that know it.
	return { user: { id, group, name: nameOf(id) }, container: process.env.container !== undefined };
}

/** Returns the name of a user; of one that the machine does not know, the number. */
function nameOf(uid: number): string {
	try {
		if (uid === process.getuid?.()) return userInfo().username;
		const line = readFileSync("/etc/passwd", "utf8")
			.split("\n")
			.find((one) => one.split(":")[2] === String(uid));
		if (line) return line.split(":")[0] as string;
	} catch {
		// An unknown user, or a machine without that file.
	}
	return uid === 0 ? "root" : `user ${uid}`;
}

/** Returns the folders above a path, from the root on. */
function above(path: string): string[] {
	const folder = dirname(path);
	return folder === path ? [] : [...above(folder), folder];
}

/** Returns the path without symbolic links: in the image, data/ leads to the folder that is mounted. */
function realPath(path: string): string {
	try {
		return realpathSync(path);
	} catch {
		return resolve(path);
	}
}

const statOf = (path: string) => {
	try {
		return statSync(path);
	} catch {
		return undefined;
	}
};
function may(path: string, mode: number): boolean {
	try {
		accessSync(path, mode);
		return true;
	} catch {
		return false;
	}
}
const nearestFolder = (path: string) =>
	[path, ...above(path).reverse()].find((one) => statOf(one)?.isDirectory()) ?? "/";
const fileAbove = (path: string) =>
	[...above(path), path].find((one) => statOf(one)?.isDirectory() === false) ?? dirname(path);

/** Returns the first lack at a file, or at the files beside it that are named after it: the lock and the log of a store. */
function lackAt(path: string, need: phrases.Need): Lack | undefined {
	const lack = firstLack(path, need);
	if (lack || need !== "write") return lack;
	const beside = may(dirname(path), constants.R_OK) ? readdirSync(dirname(path)) : [];
	for (const name of beside)
		if (name !== basename(path) && name.startsWith(basename(path))) {
			const found = firstLack(join(dirname(path), name), need);
			if (found) return found;
		}
	return undefined;
}

function firstLack(path: string, need: phrases.Need): Lack | undefined {
	const { R_OK, W_OK, X_OK } = constants;
	const lack = (at: string, right: Lack["right"]): Lack | undefined => {
		const stat = statOf(at);
		return stat && { at, right, uid: stat.uid, mode: stat.mode & 0o7777 };
	};
	const folders = above(path);
	const closed = folders.find((one) => statOf(one)?.isDirectory() && !may(one, X_OK));
	if (closed) return lack(closed, "enter");
	const stat = statOf(path);
	if (stat && need !== "make") {
		if (stat.isDirectory()) return may(path, R_OK | W_OK | X_OK) ? undefined : lack(path, "make");
		if (need === "read") return may(path, R_OK) ? undefined : lack(path, "read");
		if (!may(path, R_OK | W_OK)) return lack(path, "write");
	}
	if (need === "read") return undefined;
	// A store writes further files beside its own.
	const folder = folders.reverse().find((one) => statOf(one)?.isDirectory());
	return folder && !may(folder, W_OK | X_OK) ? lack(folder, "make") : undefined;
}

/** Returns the cause and the cure for a file, or a folder above it, that is not there. */
function missing(path: string, about: About, { user }: Facts): [string, string] {
	if (about.need === "read")
		return [phrases.notThere(path), about.missing ?? phrases.correctPath(about.option)];
	const folder = [...above(path)].find((one) => !statOf(one)) ?? dirname(path);
	const wanted = dirname(path);
	const command = may(dirname(folder), constants.W_OK | constants.X_OK)
		? phrases.run(`mkdir -p ${quote(wanted)}`)
		: phrases.runAsRoot(`install -d -o ${ownerOf(user)} -m 700 ${quote(wanted)}`);
	return [phrases.notThere(folder), command];
}

const ownerOf = ({ name, id }: User) => (name.includes(" ") ? String(id) : name);

/** Returns the command that gives the user the right, and takes no right from anybody else. */
function cureOf(
	{ at, right, uid, mode }: Lack,
	path: string,
	about: About,
	{ user, container }: Facts,
): string {
	const us = ownerOf(user);
	const place = quote(at);
	if (uid === user.id)
		return phrases.run(`chmod u+${{ enter: "x", read: "r", write: "rw", make: "rwx" }[right]} ${place}`);
	if (container) return phrases.ofVolume(`${user.id}:${user.group}`, realPath(about.folder ?? dirname(path)));
	const folder = about.folder === undefined ? undefined : resolve(about.folder);
	const inFolder = folder !== undefined && (at === folder || at.startsWith(`${folder}/`));
	if (inFolder || (about.own && at === path)) {
		// A store consists of several files, which one command mends together.
		const all = inFolder && right !== "read";
		const command = `chown ${all ? "-R " : ""}${us} ${all ? quote(folder) : place}`;
		return uid === 0 ? phrases.runAsRoot(command) : phrases.asOwner(nameOf(uid), command);
	}
	if (right === "enter") return phrases.orKeepElsewhere(phrases.runAsRoot(`chmod o+x ${place}`), user.name);
	if (right === "make") {
		// The folder stays with its owner, and the bridge gets a folder of its own in it.
		const wanted = folder !== undefined && !statOf(folder) ? folder : undefined;
		const inside = wanted ?? join(at, "trivium");
		const command = `install -d -o ${us} -m 700 ${quote(inside)}`;
		return wanted ? phrases.runAsRoot(command) : phrases.folderInside(command, inside, about.option);
	}
	// Root needs no right; another owner, and a group that may use the file, keep theirs.
	if (uid === 0) return phrases.runAsRoot(`chown ${us} ${place}`);
	const letters = right === "read" ? "r" : "rw";
	return phrases.runAsRoot(
		(mode & 0o070) === 0
			? `chgrp ${user.group} ${place} && chmod g+${letters} ${place}`
			: `setfacl -m u:${us}:${letters} ${place}`,
	);
}

/** Returns a path as a word of a shell command. */
const quote = (path: string) => (/^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** Returns the folder of a file if it has the default name of the bridge's own folder. */
export function dataFolderOf(file: string): { folder?: string } {
	const folder = dirname(resolve(file));
	return basename(folder) === "data" ? { folder } : {};
}
