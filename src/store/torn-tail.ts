import { type FileHandle, open, writeFile } from "node:fs/promises";

const newline = 0x0a;
const chunk = 65_536;

/**
 * Drops an unfinished last line, which no caller was told is stored, and keeps its bytes in a file beside. Resolves with
 * the name of the latter, or with undefined when the file is whole or missing.
 */
export async function repairTornTail(file: string, now: number): Promise<string | undefined> {
	const handle = await open(file, "r+").catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return undefined;
		throw error;
	});
	if (!handle) return undefined;
	try {
		const { size } = await handle.stat();
		const whole = await lastLineEnd(handle, size);
		if (whole === size) return undefined;
		const kept = `${file}.torn-${now}`;
		const torn = Buffer.alloc(size - whole);
		await handle.read(torn, 0, torn.length, whole);
		await writeFile(kept, torn, { mode: 0o600, flush: true });
		await handle.truncate(whole);
		await handle.datasync();
		return kept;
	} finally {
		await handle.close();
	}
}

/** Drops an unfinished last line. */
export async function dropTornTail(file: string): Promise<void> {
	const handle = await open(file, "r+");
	try {
		const { size } = await handle.stat();
		await handle.truncate(await lastLineEnd(handle, size));
	} finally {
		await handle.close();
	}
}

async function lastLineEnd(handle: FileHandle, size: number): Promise<number> {
	for (let end = size; end > 0; end -= chunk) {
		const from = Math.max(0, end - chunk);
		const { buffer } = await handle.read(Buffer.alloc(end - from), 0, end - from, from);
		const found = buffer.lastIndexOf(newline);
		if (found >= 0) return from + found + 1;
	}
	return 0;
}
