import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Item, Quarantine } from "../core/guard.ts";
import type { Log } from "../core/log.ts";
import { type About, explained, withFileSync } from "../files/file-error.ts";

/** How often the bridge may die over one item before the item is set aside. */
const deathsAllowed = 2;
/** Items remembered at most; beyond that the ones seen longest ago are forgotten. */
const mostItems = 1_000;
/** Bytes of the note on the item in hand, and characters of its description. */
const [noteSize, longestWhat] = [1_024, 160];
const version = 1;

type Suspect = Item & {
	deaths: number /** ISO 8601 */;
	last: string /** Of the error, where there was one. */;
	trace?: string;
};

/**
 * Remembers over the death of the process which item it handled. `handling` holds a note on the item in hand: it is
 * written into the page cache (1 µs), which survives the process, be it killed by the kernel for its memory. A note that
 * the next start finds is one death, counted in `quarantine.json`; the second sets the item aside.
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
	const empty = Buffer.alloc(noteSize);
	let note: number | undefined;
	let before: Buffer = empty;
	let clearing = false;

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

	function put(bytes: Buffer): void {
		if (note === undefined) return;
		try {
			writeSync(note, bytes, 0, bytes.length, 0);
		} catch (error) {
			note = undefined;
			const err = explained(error, about(noteFile));
			log.error({ err }, "the item in hand cannot be noted; one that ends the process will not be set aside");
		}
	}

	/** Clears the note at the end of this turn of the event loop, so that items of the same turn cost one write each. */
	function clearSoon(): void {
		if (clearing) return;
		clearing = true;
		setImmediate(() => {
			clearing = false;
			if (before === empty) put(empty.subarray(0, 1));
		});
	}

	return {
		/** Counts the note that the last run left, and takes notes from now on. The caller holds the stores' lock. */
		open(): void {
			readList();
			const left = withFileSync(about(noteFile), readNote);
			if (left) count(left);
			note = withFileSync(about(noteFile), () => openSync(noteFile, "w", 0o600));
			put(empty);
		},
		holds: (key) => suspects.size > 0 && (suspects.get(key)?.deaths ?? 0) >= deathsAllowed,
		begin({ key, what }) {
			const outer = before;
			const text = JSON.stringify({ key, what: what.slice(0, longestWhat) });
			const mine = Buffer.from(`${text}\0`);
			// JSON writes a control character as six.
			before = mine.length > noteSize ? Buffer.from(`${JSON.stringify({ key, what: "" })}\0`) : mine;
			put(before);
			return () => {
				before = outer;
				if (outer === empty) clearSoon();
				else put(outer);
			};
		},
		/** Counts a death by an error that nothing caught, right before the process ends. */
		died(item: Item, error: unknown): void {
			const frames = error instanceof Error ? error.stack?.match(/^ {4}at .*$/gm)?.slice(0, 10) : undefined;
			put(empty);
			count(
				{ key: item.key, what: item.what.slice(0, longestWhat) },
				frames?.map((one) => one.trim()).join("\n"),
			);
		},
		/** How many items are set aside. */
		size: (): number => [...suspects.values()].filter(({ deaths }) => deaths >= deathsAllowed).length,
		close(): void {
			if (note === undefined) return;
			put(empty);
			closeSync(note);
			note = undefined;
		},
	} satisfies Quarantine & Record<string, unknown>;
}
