import { randomUUID } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Bytes held of one file, in pieces that make few calls. */
const highWaterMark = 1 << 20;

/**
 * Hands `use` the same bytes with their number: where nobody told it they go through a file on disk, which nobody else
 * can see, and which is gone when `use` is done, whether it read them or not.
 */
export async function withSize<T>(
	body: Readable,
	size: number | undefined,
	use: (body: Readable, size: number) => Promise<T>,
): Promise<T> {
	if (size !== undefined) return use(body, size);
	const path = join(tmpdir(), `trivium-${randomUUID()}`);
	// One handle each: a stream that ends closes its own.
	const into = await open(path, "wx", 0o600);
	const from = await open(path, "r").finally(() => unlink(path));
	try {
		const writing = into.createWriteStream({ highWaterMark });
		await pipeline(body, writing);
		const reading = from.createReadStream({ highWaterMark });
		return await use(reading, writing.bytesWritten).finally(() => reading.destroy());
	} finally {
		await Promise.all([into.close(), from.close()]);
	}
}
