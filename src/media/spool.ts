import { randomUUID } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

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
		let bytes = 0;
		for await (const chunk of body as AsyncIterable<Buffer>) bytes += (await file.write(chunk)).bytesWritten;
		// Closes the file at its end, or when it is destroyed.
		return { body: file.createReadStream({ start: 0 }), size: bytes };
	} catch (error) {
		await file.close();
		throw error;
	}
}
