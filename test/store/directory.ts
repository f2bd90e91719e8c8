import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Returns a path in a directory of its own, which the test's end removes. */
export async function freshFile(name: string): Promise<string> {
	const directory = await mkdtemp(join(tmpdir(), "trivium-store-"));
	onTestFinished(() => rm(directory, { recursive: true }));
	return join(directory, name);
}

export const never = (error: Error): void => {
	throw error;
};
