import type { Readable } from "node:stream";

/** Some bytes of a file: from `start` to `end` (inclusive; absent: to its end), or its `last` so many. */
export type ByteRange = Readonly<{ start: number; end?: number }> | Readonly<{ last: number }>;

/** A file as it comes in. Whoever opens it reads it to its end or destroys it. */
export type Opened = Readonly<{
	body: Readable;
	/** Bytes of the whole file. */
	size?: number;
	mime?: string;
	/** Only these bytes come, both inclusive; absent: all of it, whatever was asked for. */
	part?: Readonly<{ start: number; end: number }>;
}>;
