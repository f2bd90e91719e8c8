import { randomBytes } from "node:crypto";
import { access, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

async function sync(path: string): Promise<void> {
	const handle = await open(path, "r");
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

/**
 * A new file, ours alone, that gets its name when it is whole and on disk: half a backup looks like one. `fill` writes
 * into the empty file of the name it is given.
 * @throws Error when there is a file of that name, or when it cannot be written; nothing stays behind then.
 */
export async function wholeFile(file: string, fill: (part: string) => Promise<unknown>): Promise<void> {
	const part = `${file}.part-${randomBytes(4).toString("hex")}`;
	try {
		if (await exists(file)) throw new Error("there is one already");
		await writeFile(part, "", { flag: "wx", mode: 0o600 });
		await fill(part);
		await sync(part);
		await rename(part, file);
		// The name is part of the directory.
		await sync(dirname(file));
	} catch (error) {
		await rm(part, { force: true });
		throw new Error(`The backup ${file} cannot be written: ${(error as Error).message}.`, { cause: error });
	}
}

const exists = (file: string) =>
	access(file).then(
		() => true,
		() => false,
	);
