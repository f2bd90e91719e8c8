import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { nedbMapping } from "../../src/store/nedb.ts";
import { mappingContract } from "./mapping.contract.ts";
import { silent } from "./sample.ts";

async function freshFile(): Promise<string> {
	const directory = await mkdtemp(join(tmpdir(), "trivium-mapping-"));
	onTestFinished(() => rm(directory, { recursive: true }));
	return join(directory, "mapping.db");
}

const never = (error: Error) => {
	throw error;
};

mappingContract("nedb", async () => {
	const file = await freshFile();
	return {
		async open() {
			const mapping = nedbMapping({ file, log: silent, onFailure: never });
			await mapping.open();
			return mapping;
		},
	};
});
