import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Item, Quarantine } from "../core/guard.ts";
import type { Log } from "../core/log.ts";
import { type About, explained, withFileSync } from "../files/file-error.ts";
import { clearNote, createItemInHand, noteSize, type Watched } from "./item-in-hand.ts";

/** How often the bridge may die over one item before the item is set aside. */
const deathsAllowed = 2;
/** Items remembered at most; beyond that the ones seen longest ago are forgotten. */
const mostItems = 1_000;
/** Characters of an item's description. */
const longestWhat = 160;
const version = 1;

type Suspect = Item & {
	deaths: number /** ISO 8601 */;
	last: string /** Of the error, where there was one. */;
	trace?: string;
};

/**
 * Remembers over the death of the process which item it handled. The journal's thread watches the item in hand and notes
 * it in the file `handling` if the item stays in hand (see `item-in-hand.ts`), as one that is about to take all time or
 * memory does. A note that the next start finds is one death, counted in `quarantine.json`; the second sets the item aside.
 */
export function createQuarantine(folder: string, log: Log) {
	const [noteFile, listFile] = ["handling", "quarantine.json"].map((name) => join(folder, name)) as [
		string,
		string,
	];
	const about = (path: string): About => ({
		what: "The quarantine",
		path,
		need: "write",
		own: true,
		folder,
		option: "store.directory",
	});
	const suspects = new Map<string, Suspect>();
	const inHand = createItemInHand();
	let before: string | undefined;

	function save(): void {
		const items = [...suspects.values()].slice(-mostItems);
		try {
			const part = `${listFile}.part`;
			writeFileSync(part, `${JSON.stringify({ version, items }, undefined, "\t")}\n`, {
				mode: 0o600,
				flush: true,
			});
			renameSync(part, listFile);
		} catch (error) {
			const err = explained(error, about(listFile));
			log.error({ err }, "the quarantine cannot be written; an item that ends the process may do so again");
		}
	}

	function count({ key, what }: Item, trace?: string): void {
		const deaths = (suspects.get(key)?.deaths ?? 0) + 1;
		suspects.delete(key);
		suspects.set(key, { key, what, deaths, last: new Date().toISOString(), ...(trace && { trace }) });
		save();
		const fields = { item: what, key, deaths, ...(trace && { trace }) };
		if (deaths < deathsAllowed)
			log.warn(fields, "the bridge died while it handled this item; it is tried once more");
		else
			log.error(
				{
					...fields,
					cure: `report it with this line; to have it tried again, stop the bridge and remove the item from ${listFile}`,
				},
				"the bridge died twice while it handled this item, which is set aside now; everything else goes on",
			);
	}

	function readList(): void {
		if (!existsSync(listFile)) return;
		try {
			const list = JSON.parse(readFileSync(listFile, "utf8")) as { version: number; items: Suspect[] };
			if (list.version !== version) throw new Error(`version ${list.version} is not known`);
			for (const one of list.items) suspects.set(one.key, one);
		} catch (error) {
			const err = explained(error, about(listFile));
			log.warn({ err, file: listFile }, "the quarantine cannot be read and begins anew");
		}
	}

	function readNote(): Item | undefined {
		if (!existsSync(noteFile)) return undefined;
		const text = readFileSync(noteFile).toString("utf8").split("\0")[0];
		if (!text) return undefined;
		try {
			const { key, what } = JSON.parse(text) as Item;
			return typeof key === "string" && typeof what === "string" ? { key, what } : undefined;
		} catch {
			// Half a note is left by a power cut, which is no fault of the item.
			return undefined;
		}
	}

	function hold(note: string | undefined): void {
		before = note;
		if (note === undefined) inHand.clear();
		else inHand.set(note);
	}

	function notNoted(error: unknown): void {
		const err = explained(error, about(noteFile));
		log.error({ err }, "the item in hand cannot be noted; one that ends the process will not be set aside");
	}

	function forget(): void {
		hold(undefined);
		try {
			clearNote(noteFile);
		} catch (error) {
			notNoted(error);
		}
	}

	return {
		/** Counts the note that the last run left, and takes notes from now on. The caller holds the stores' lock. */
		open(): void {
			readList();
			const left = withFileSync(about(noteFile), readNote);
			if (left) count(left);
			withFileSync(about(noteFile), () => clearNote(noteFile));
		},
		/** For the thread that watches the item in hand. */
		watched: { memory: inHand.memory, noteFile, onFault: notNoted } satisfies Watched,
		holds: (key) => suspects.size > 0 && (suspects.get(key)?.deaths ?? 0) >= deathsAllowed,
		begin({ key, what }) {
			const outer = before;
			const note = JSON.stringify({ key, what: what.slice(0, longestWhat) });
			// JSON writes a control character as six, so a short description may have a long note.
			hold(Buffer.byteLength(note) > noteSize ? JSON.stringify({ key, what: "" }) : note);
			return () => hold(outer);
		},
		/** Counts a death by an error that nothing caught, right before the process ends. */
		died(item: Item, error: unknown): void {
			const frames = error instanceof Error ? error.stack?.match(/^ {4}at .*$/gm)?.slice(0, 10) : undefined;
			forget();
			count(
				{ key: item.key, what: item.what.slice(0, longestWhat) },
				frames?.map((one) => one.trim()).join("\n"),
			);
		},
		/** How many items are set aside. */
		size: (): number => [...suspects.values()].filter(({ deaths }) => deaths >= deathsAllowed).length,
		/** Ends the notes. The journal, whose thread writes them, must be closed. */
		close: forget,
	} satisfies Quarantine & Record<string, unknown>;
}
