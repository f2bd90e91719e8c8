/**
 * A process that stores one item after the other, and prints each once it is stored, until it is killed. The engine
 * "backup" is the journal, backed up first.
 */
import { createNedbMapping } from "../../src/store/nedb.ts";
import { createSqliteJournal } from "../../src/store/sqlite.ts";
import { entry, ghost, silent } from "./sample.ts";

const [engine, file = ""] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const onFailure = (error: Error) => say(`failed ${error.message}`);
// The limit on file sizes stands for a full disk: a write then fails and does not end the process.
process.on("SIGXFSZ", () => {});

const options = { file, log: silent, onFailure };
const journal = createSqliteJournal(options);
const mapping = createNedbMapping(options);
await (engine === "mapping" ? mapping : journal).open();
say("open");
if (engine === "backup")
	await journal.backup(`${file}.copy`).catch((error: Error) => say(`refused ${error.message}`));

const store =
	engine === "mapping"
		? (name: string) => mapping.saveGhost(ghost(name))
		: (name: string) => journal.accept([entry(name)]);

async function writeOn(worker: number): Promise<void> {
	for (let count = 0; ; count++) {
		const name = `${worker}-${count}`;
		await store(name);
		say(`stored ${name}`);
	}
}
// Several writes at once share their commits.
await Promise.allSettled([0, 1, 2, 3, 4].map(writeOn));
