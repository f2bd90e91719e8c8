import { memoryJournal, memoryMapping } from "../../src/store/memory.ts";
import { journalContract } from "./journal.contract.ts";
import { mappingContract } from "./mapping.contract.ts";

const reopenable = <Store extends { open(): Promise<void> }>(store: Store) => ({
	async open() {
		await store.open();
		return store;
	},
});

mappingContract("memory", async () => reopenable(memoryMapping()));
journalContract("memory", async () => reopenable(memoryJournal()));
