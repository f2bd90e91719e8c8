import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A path in a directory of its own, gone after the test. */
export async function freshFile(name: string): Promise<string> {
	const directory = await mkdtemp(join(tmpdir(), "trivium-store-"));
	onTestFinished(() => rm(directory, { recursive: true }));
	return join(directory, name);
}

export const never = (error: Error): void => {
	throw error;
};
