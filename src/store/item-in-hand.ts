import { openSync, writeFileSync, writeSync } from "node:fs";

/** Bytes of the text that describes an item. */
export const noteSize = 1_024;
/** How often, in ms, the journal's thread looks at the item in hand. */
const lookEvery = 50;
/** The places of the header: `turn` grows whenever the item in hand changes; `length` is 0 while there is none. */
const [turn, length, headerBytes] = [0, 1, 8];

const empty = Buffer.alloc(noteSize);
const parts = (memory: SharedArrayBuffer) => ({
	header: new Int32Array(memory, 0, 2),
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

	function look(): void {
		const now = Atomics.load(header, turn);
		if (now !== before) {
			if (noted) write(empty);
			[before, noted] = [now, false];
			return;
		}
		const bytes = Atomics.load(header, length);
		if (noted || bytes === 0) return;
		const note = Buffer.alloc(noteSize);
		text.copy(note, 0, 0, bytes);
		if (Atomics.load(header, turn) !== now) return;
		write(note);
		noted = true;
	}

	return {
		look,
		/** Looks again and again until the thread ends, or a note cannot be written. */
		start(): void {
			const timer = setInterval(() => {
				try {
					look();
				} catch (error) {
					clearInterval(timer);
					onFault(error);
				}
			}, lookEvery);
			timer.unref();
		},
	};
}
