import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { sqliteJournal } from "../../src/store/sqlite.ts";
import { journalContract } from "./journal.contract.ts";
import { silent } from "./sample.ts";

async function freshFile(): Promise<string> {
	const directory = await mkdtemp(join(tmpdir(), "trivium-journal-"));
	onTestFinished(() => rm(directory, { recursive: true }));
	return join(directory, "journal.db");
}

const never = (error: Error) => {
	throw error;
};

journalContract("sqlite", async () => {
	const file = await freshFile();
	return {
		async open() {
			const journal = sqliteJournal({ file, log: silent, onFailure: never });
			await journal.open();
			return journal;
		},
	};
});
