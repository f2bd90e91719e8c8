import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CheckResult, fails, works } from "../core/check-result.ts";
import * as phrases from "../core/phrases.ts";
import { lock } from "./lock.ts";

/** Tells whether the stores are writable, and whether a running bridge holds them. `mapping` is the mapping's file. */
export async function checkStore(
	folder: string,
	mapping: string,
): Promise<{ finding: CheckResult; running: boolean }> {
	const what = "store";
	const probe = join(folder, `.check-${process.pid}`);
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		await writeFile(probe, "");
		await rm(probe);
	} catch (error) {
		const cause = String((error as NodeJS.ErrnoException).code);
		return { finding: fails(what, phrases.storeNotWritable(folder, cause)), running: false };
	}
	try {
		await (await lock(`${mapping}.lock`))();
		return { finding: works(what, folder), running: false };
	} catch {
		return { finding: works(what, phrases.storeInUse(folder)), running: true };
	}
}
