import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { PermanentError } from "../core/errors.ts";
import * as phrases from "../core/phrases.ts";
import { through } from "./stream.ts";

/**
 * The bytes of `source` as `change` makes them, if what came has this SHA-256. The end is held back until that is
 * proved, so that nobody takes what failed for the whole.
 */
export const verified = (
	source: Readable,
	sha256: Buffer,
	change: (chunk: Buffer) => Buffer = (chunk) => chunk,
): Readable =>
	through(source, async function* (chunks) {
		const hash = createHash("sha256");
		let held: Buffer | undefined;
		for await (const chunk of chunks) {
			hash.update(chunk);
			if (held) yield held;
			held = change(chunk);
		}
		if (!hash.digest().equals(sha256)) throw new PermanentError("failed", phrases.fileDamaged);
		if (held) yield held;
	});
