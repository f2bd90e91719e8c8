import { randomUUID } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import * as phrases from "../core/phrases.ts";
import { withFile } from "../files/file-error.ts";
import { through } from "./stream.ts";

/** Size in bytes of the chunks that are read and written. */
const highWaterMark = 1 << 20;

/**
 * Returns a function that calls `use` with the same bytes and their number. If the number is unknown, the bytes go through
 * a file on disk without a name, which no other process can open, and which is gone when `use` is done or the process
 * ends. All such files together take at most `most` bytes; a further one fails with a TemporaryError.
 */
export function createSpool(most: number) {
	let used = 0;

	/**
	 * Reserves bytes. @throws PermanentError if the file alone is larger than
	 * `most`, TemporaryError if others leave too little.
	 */
	return async function withSize<T>(
		body: Readable,
		size: number | undefined,
		use: (body: Readable, size: number) => Promise<T>,
	): Promise<T> {
		if (size !== undefined) return use(body, size);
		const path = join(tmpdir(), `trivium-${randomUUID()}`);
		const about = { what: "A file on its way", path, need: "make" } as const;
		// Each stream gets a handle of its own, since it closes its handle at its end.
		const into = await withFile(about, () => open(path, "wx", 0o600));
		const from = await withFile(about, () => open(path, "r").finally(() => unlink(path)));
		let mine = 0;
		const counted = through(body, async function* (chunks) {
			for await (const chunk of chunks) {
				if (mine + chunk.length > most) throw new PermanentError("invalid", phrases.fileTooLarge(most));
				if (used + chunk.length > most) throw new TemporaryError("too many files are on their way");
				mine += chunk.length;
				used += chunk.length;
				yield chunk;
			}
		});
		try {
			const writing = into.createWriteStream({ highWaterMark });
			await withFile(about, () => pipeline(counted, writing));
			const reading = from.createReadStream({ highWaterMark });
			return await use(reading, writing.bytesWritten).finally(() => reading.destroy());
		} finally {
			await Promise.all([into.close(), from.close()]);
			used -= mine;
		}
	};
}

/** The one spool of the process. 2 GiB hold twenty files of the usual largest size. */
export const withSize = createSpool(2 * 1024 ** 3);
