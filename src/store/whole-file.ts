import { randomBytes } from "node:crypto";
import { access, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type About, explained, FileError } from "../files/file-error.ts";

async function sync(path: string): Promise<void> {
	const handle = await open(path, "r");
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

/**
 * Creates a file that only our user may read, and gives it its name once it is whole and on disk, since half a backup
 * would look like a whole one. `fill` writes into the empty file whose name it gets.
 * @throws Error when a file of that name exists, or when it cannot be written; nothing stays behind then.
 */
export async function wholeFile(file: string, fill: (part: string) => Promise<unknown>): Promise<void> {
	const part = `${file}.part-${randomBytes(4).toString("hex")}`;
	try {
		if (await exists(file)) throw new Error("there is one already");
		await writeFile(part, "", { flag: "wx", mode: 0o600 });
		await fill(part);
		await sync(part);
		await rename(part, file);
		// The directory holds the name: sync it, too.
		await sync(dirname(file));
	} catch (error) {
		await rm(part, { force: true });
		const about: About = { what: "The backup", path: file, need: "make" };
		const known = explained(error, about);
		if (known instanceof FileError) throw known;
		throw new Error(`The backup ${file} cannot be written: ${(error as Error).message}.`, { cause: error });
	}
}

const exists = (file: string) =>
	access(file).then(
		() => true,
		() => false,
	);
