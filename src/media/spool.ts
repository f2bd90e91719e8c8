import { randomUUID } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Bytes held of one file, in pieces that make few calls. */
const highWaterMark = 1 << 20;

/** The same bytes with their number: where nobody told it they go through a file on disk, which nobody else can see. */
export async function withSize(
	body: Readable,
	size: number | undefined,
): Promise<{ body: Readable; size: number }> {
	if (size !== undefined) return { body, size };
	const path = join(tmpdir(), `trivium-${randomUUID()}`);
	const file = await open(path, "wx+", 0o600);
	try {
		await unlink(path);
		const writing = file.createWriteStream({ autoClose: false, highWaterMark });
		await pipeline(body, writing);
		const bytes = writing.bytesWritten;
		// Closes the file at its end, or when it is destroyed.
		return { body: file.createReadStream({ start: 0, highWaterMark }), size: bytes };
	} catch (error) {
		await file.close();
		throw error;
	}
}
