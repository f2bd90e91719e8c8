import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { PermanentError } from "../core/errors.ts";
import * as phrases from "../core/phrases.ts";
import { through } from "./stream.ts";

/**
 * Returns the bytes of `source` as `change` converts them; fails if they do not have this SHA-256. It keeps the last chunk
 * back until the hash is proved, so that no reader takes a damaged file for a complete one.
 */
export const verified = (
	source: Readable,
	sha256: Buffer,
	change: (chunk: Buffer) => Buffer = (chunk) => chunk,
): Readable =>
	through(source, async function* (chunks) {
		const hash = createHash("sha256");
		let last: Buffer | undefined;
		for await (const chunk of chunks) {
			hash.update(chunk);
			if (last) yield last;
			last = change(chunk);
		}
		if (!hash.digest().equals(sha256)) throw new PermanentError("failed", phrases.fileDamaged);
		if (last) yield last;
	});
