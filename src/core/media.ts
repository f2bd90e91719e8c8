import type { Readable } from "node:stream";

/** A range of bytes of a file: from `start` to `end` (inclusive; absent: to the end of the file), or its `last` bytes. */
export type ByteRange = Readonly<{ start: number; end?: number }> | Readonly<{ last: number }>;

/** An open file. The caller reads `body` to its end or destroys it. */
export type Opened = Readonly<{
	body: Readable;
	/** Bytes of the whole file. */
	size?: number;
	mime?: string;
	/** The range that `body` has, both ends inclusive; absent: the whole file, also if a range was asked for. */
	part?: Readonly<{ start: number; end: number }>;
}>;
