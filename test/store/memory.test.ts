import { memoryJournal } from "../../src/store/memory.ts";
import { journalContract } from "./journal.contract.ts";

journalContract("memory", async () => {
	const journal = memoryJournal();
	return {
		async open() {
			await journal.open();
			return journal;
		},
	};
});
