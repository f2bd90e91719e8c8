import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CheckResult, fails, works } from "../core/check-result.ts";
import * as phrases from "../core/phrases.ts";
import { type About, explained, lackOf } from "../files/file-error.ts";
import { holder } from "./lock.ts";

/** Returns the words of an error about the folder of the stores. */
const aboutStore = (folder: string): About => ({
	what: "The store",
	path: folder,
	need: "write",
	own: true,
	folder,
	option: "store.directory",
});

/** Makes the folder of the stores, if it is missing. @throws FileError */
export async function makeStore(folder: string): Promise<void> {
	await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
		throw explained(error, { ...aboutStore(folder), need: "make" });
	});
}

/**
 * Tells whether the stores are writable, and whether a running bridge holds them. `mapping` is the mapping's file. The
 * check makes no missing folder: an admin may have started it in the wrong working directory.
 */
export async function checkStore(
	folder: string,
	mapping: string,
): Promise<{ finding: CheckResult; running: boolean }> {
	const what = "store";
	// A lock that cannot be read belongs to another user, whose bridge may run.
	const running = await holder(`${mapping}.lock`).then(
		(pid) => pid !== undefined,
		({ code }: NodeJS.ErrnoException) => code === "EACCES",
	);
	const found = (finding: CheckResult) => ({ finding, running });
	const about = aboutStore(folder);
	const probe = join(folder, `.check-${process.pid}`);
	try {
		await stat(folder);
		// An empty file fits on a full disk.
		await writeFile(probe, Buffer.alloc(4_096, 1)).finally(() => rm(probe, { force: true }));
	} catch (error) {
		const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
		const wrong = missing ? lackOf({ ...about, need: "make" }) : (explained(error, about) as Error);
		return found(wrong ? fails(what, wrong.message) : works(what, phrases.storeNotMade(folder)));
	}
	return found(works(what, running ? phrases.storeInUse(folder) : folder));
}
