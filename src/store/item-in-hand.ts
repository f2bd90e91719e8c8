import { openSync, writeFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Bytes of the text that describes an item. */
export const noteSize = 1_024;
/** How often, in ms, the journal's thread looks at the item in hand. */
const lookEvery = 50;
/**
 * The places of the header: `turn` grows whenever the item in hand changes; `length` is 0 while there is none; `asleep` is 1
 * while the journal's thread waits for the next item instead of looking.
 */
const [turn, length, asleep, headerBytes] = [0, 1, 2, 12];

const empty = Buffer.alloc(noteSize);
const parts = (memory: SharedArrayBuffer) => ({
	header: new Int32Array(memory, 0, 3),
	text: Buffer.from(memory, headerBytes, noteSize),
});

/**
 * Creates the memory that holds the item in hand. The main thread writes it for each item, since a write to memory costs a
 * hundredth of a write to a file.
 */
export function createItemInHand() {
	const memory = new SharedArrayBuffer(headerBytes + noteSize);
	const { header, text } = parts(memory);
	/** Atomics order these writes with those of the text, so that the other thread sees no half text as a whole one. */
	const change = (bytes: number) => {
		Atomics.store(header, length, bytes);
		Atomics.add(header, turn, 1);
	};
	return {
		memory,
		/** Sets the item in hand. A text of more than {@link noteSize} bytes is cut. */
		set(description: string): void {
			Atomics.add(header, turn, 1);
			change(text.write(description));
			// A call of the kernel for each item would cost more than the item.
			if (Atomics.compareExchange(header, asleep, 1, 0) === 1) Atomics.notify(header, turn);
		},
		clear: (): void => change(0),
	};
}

/** The memory of the item in hand, and the file that its notes go into, for the thread that watches. */
export type Watch = Readonly<{ memory: SharedArrayBuffer; noteFile: string }>;
/** `onFault` is called, on the main thread, when an item cannot be noted any more. */
export type Watched = Watch & Readonly<{ onFault(error: unknown): void }>;

/** Empties the file of the notes, creates it if necessary, and gives it the room of a note, for a disk that gets full. */
export const clearNote = (noteFile: string): void => writeFileSync(noteFile, empty, { mode: 0o600 });

/**
 * Watches the item in hand from another thread, which runs on while the item blocks the main thread or takes all memory.
 * `look` notes in the file an item that was in hand at the look before, too; the note is in the page cache, which survives
 * the process. An item that is handled within {@link lookEvery} ms costs no write.
 */
export function createItemWatch({ memory, noteFile }: Watch, onFault: (error: unknown) => void) {
	const { header, text } = parts(memory);
	let [before, noted] = [-1, false];
	let file: number | undefined;

	function write(note: Buffer): void {
		file ??= openSync(noteFile, "r+");
		writeSync(file, note, 0, note.length, 0);
	}

	/** Returns false where no item was in hand at the look before, either. */
	function look(): boolean {
		const now = Atomics.load(header, turn);
		if (now !== before) {
			if (noted) write(empty);
			[before, noted] = [now, false];
			return true;
		}
		const bytes = Atomics.load(header, length);
		if (bytes === 0) return false;
		if (noted) return true;
		const note = Buffer.alloc(noteSize);
		text.copy(note, 0, 0, bytes);
		if (Atomics.load(header, turn) !== now) return true;
		write(note);
		noted = true;
		return true;
	}

	/** Resolves when an item comes into hand. */
	async function untilNext(): Promise<void> {
		Atomics.store(header, asleep, 1);
		// An item that came after the look has changed the turn, and ends the wait before it begins.
		await Atomics.waitAsync(header, turn, before).value;
		Atomics.store(header, asleep, 0);
	}

	return {
		look,
		/** Looks at the items that come until the thread ends, or a note cannot be written. A bridge at rest costs nothing. */
		async start(): Promise<void> {
			try {
				for (;;) {
					if (!look()) await untilNext();
					else await sleep(lookEvery, undefined, { ref: false });
				}
			} catch (error) {
				onFault(error);
			}
		},
	};
}
