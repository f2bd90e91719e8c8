import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { journalContract } from "./journal.contract.ts";
import { mappingContract } from "./mapping.contract.ts";
import { placesContract } from "./places.contract.ts";

const reopenable = <Store extends { open(): Promise<void> }>(store: Store) => ({
	async open() {
		await store.open();
		return store;
	},
});

mappingContract("memory", async () => reopenable(createMemoryMapping()));
journalContract("memory", async () => reopenable(createMemoryJournal()));
placesContract("memory", async () => reopenable(createMemoryJournal()));
