import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createBoundedMap } from "../core/bounded-map.ts";
import type { MessageId, OperationId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Taken } from "../core/taken.ts";
import { type About, explained, withFileSync } from "../files/file-error.ts";

/** Bytes of the file. A note has some 200, and is needed until the journal's next commits. */
const size = 262_144;
/** Characters of notes that one write holds. */
const atOnce = 16_384;
/** The latest notes of this run in memory: a retry finds them. Those of the run before are no more than fit into the file. */
const remembered = 1_000;

/**
 * Keeps the deliveries that a server has taken in the file `taken`: a ring of lines in the page cache, which survives
 * `kill -9` and costs some microseconds a note, where a commit costs a write to the disk. A power cut may take notes with it:
 * their rows are in doubt, as if there were none. An operation never has a second meaning, so old notes do no harm.
 */
export function createTaken(folder: string, log: Log) {
	const file = join(folder, "taken");
	const about: About = {
		what: "The list of delivered messages",
		path: file,
		need: "write",
		own: true,
		folder,
		option: "store.directory",
	};
	const before = new Map<OperationId, readonly MessageId[]>();
	const latest = createBoundedMap<OperationId, readonly MessageId[]>(remembered);
	let ring: number | undefined;
	let at = 0;
	/** Lines of this turn that are not written yet. */
	let unwritten = "";

	/** Takes the notes of the last run. A note of a refusal stands behind that of its delivery, or in front of it past the wrap. */
	function read(): void {
		const refused = new Set<OperationId>();
		for (const line of readFileSync(file, "utf8").split("\n")) {
			const [operation, ids] = parse(line) ?? [];
			if (operation === undefined) continue;
			if (ids) before.set(operation, ids);
			else refused.add(operation);
		}
		for (const operation of refused) before.delete(operation);
	}

	/** Notes a delivery, in one write with those that the same answer of the server confirms: they run in the same turn. */
	function write(operation: OperationId, ids: readonly MessageId[] | null): void {
		if (ring === undefined) return;
		if (unwritten === "") queueMicrotask(flush);
		unwritten += `${JSON.stringify([operation, ids])}\n`;
		if (unwritten.length > atOnce) flush();
	}

	function flush(): void {
		if (unwritten === "") return;
		// The line break in front ends what is left of an older line.
		const lines = Buffer.from(`\n${unwritten}`);
		unwritten = "";
		if (ring === undefined || lines.length > size) return;
		if (at + lines.length > size) at = 0;
		try {
			at += writeSync(ring, lines, 0, lines.length, at);
		} catch (error) {
			ring = undefined;
			log.error(
				{ err: explained(error, about) },
				"deliveries cannot be noted any more; a kill of the bridge may repeat some",
			);
		}
	}

	return {
		/** Reads the notes of the last run, and takes notes from now on. The caller holds the stores' lock. */
		open(): void {
			ring = withFileSync(about, () => {
				if (existsSync(file)) read();
				return openSync(file, "w", 0o600);
			});
			for (const [operation, ids] of before) write(operation, ids);
			flush();
		},
		get: (operation) => latest.get(operation) ?? before.get(operation),
		set(operation, ids) {
			latest.set(operation, ids);
			write(operation, ids);
		},
		delete(operation) {
			if ([latest.delete(operation), before.delete(operation)].includes(true)) write(operation, null);
		},
		close(): void {
			flush();
			if (ring !== undefined) closeSync(ring);
			ring = undefined;
		},
	} satisfies Taken & Record<string, unknown>;
}

/** Returns what a line notes; undefined for one that a later line or a power cut has cut. */
function parse(line: string): readonly [OperationId, readonly MessageId[] | null] | undefined {
	if (!line.startsWith("[")) return undefined;
	try {
		const [operation, ids] = JSON.parse(line) as [OperationId, readonly MessageId[] | null];
		return typeof operation === "string" && (ids === null || Array.isArray(ids))
			? [operation, ids]
			: undefined;
	} catch {
		return undefined;
	}
}
