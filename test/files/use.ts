/**
 * A process that uses the files of a bridge as the program does, without the networks, which take long to load. Its
 * arguments are the config file and what to use; it prints “done”, or what an admin would read.
 */
import { join } from "node:path";
import { backup } from "../../src/backup.ts";
import { complaint } from "../../src/complaint.ts";
import { loadConfig } from "../../src/config.ts";
import { silent } from "../../src/core/log.ts";
import { loadRegistration } from "../../src/matrix/registration.ts";
import { makeStore } from "../../src/store/check.ts";
import { createNedbMapping } from "../../src/store/nedb.ts";
import { createQuarantine } from "../../src/store/quarantine.ts";
import { createSqliteJournal } from "../../src/store/sqlite.ts";

const [file = "", what, folder = ""] = process.argv.slice(2);
const onFailure = () => undefined;

try {
	const config = loadConfig(file);
	const { directory } = config.store;
	const journal = createSqliteJournal({ file: join(directory, "journal.db"), onFailure });
	const mapping = createNedbMapping({ file: join(directory, "mapping.db"), log: silent, onFailure });
	const open = async () => {
		await journal.open();
		await mapping.open();
		return { journal, mapping, close: async () => undefined };
	};
	if (what === "registration") loadRegistration(config.matrix.appservice.registration);
	if (what === "stores") {
		await makeStore(directory);
		await open();
		createQuarantine(directory, silent).open();
	}
	if (what === "backup") await backup(config, file, folder, open, () => undefined);
	console.log("done");
} catch (error) {
	console.log(complaint(error));
}
process.exit(0);
