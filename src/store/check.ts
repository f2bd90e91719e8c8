import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CheckResult, fails, works } from "../core/check-result.ts";
import * as phrases from "../core/phrases.ts";
import { holder } from "./lock.ts";

/** Tells whether the stores are writable, and whether a running bridge holds them. `mapping` is the mapping's file. */
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
	const probe = join(folder, `.check-${process.pid}`);
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		// An empty file fits on a full disk.
		await writeFile(probe, Buffer.alloc(4_096, 1)).finally(() => rm(probe, { force: true }));
	} catch (error) {
		const cause = String((error as NodeJS.ErrnoException).code);
		return { finding: fails(what, phrases.storeNotWritable(folder, cause)), running };
	}
	return { finding: works(what, running ? phrases.storeInUse(folder) : folder), running };
}
