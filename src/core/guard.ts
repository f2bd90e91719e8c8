import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { PermanentError } from "./errors.ts";
import type { BridgeEvent } from "./event.ts";
import type { OperationId, TraceId } from "./ids.ts";
import type { Log } from "./log.ts";
import * as phrases from "./phrases.ts";

/** One foreign thing while the bridge handles it: what a network received, or an outbound row. */
export type Item = Readonly<{
	/** A fingerprint of what identifies the item wherever it comes from: made by {@link fingerprint}. */
	key: string;
	/** What an admin reads of it: its kind and where it came from, never its text. */
	what: string;
}>;

/** What remembers, beyond the death of the process, which item was being handled. */
export interface Quarantine {
	/** True when the item is set aside: the bridge died twice while it handled the item. */
	holds(key: string): boolean;
	/** Notes that the bridge handles the item from now on; the returned function notes the end. Neither throws. */
	begin(item: Item): () => void;
}

export type Guard = Readonly<{
	/**
	 * Runs the work of one entry point. An error of it is logged with its stack and the entry's name, then given to
	 * `onFault`. Never throws, and what it returns never rejects.
	 */
	run(entry: string, work: () => unknown, onFault?: (error: unknown) => unknown): Promise<void>;
	/**
	 * Runs the handling of one item, with a note on disk until its synchronous part returns, so that an item that ends
	 * the process is known at the next start. Returns and throws what `work` does. @throws SetAside
	 */
	handle<T>(item: Item, work: () => T): T;
}>;

/** The item ended the process twice, and is not handled again. */
export class SetAside extends PermanentError {
	constructor() {
		super("failed", phrases.setAside);
	}
}

const handled = new AsyncLocalStorage<Item>();
/** The item that the current code, or the code that started it, handles. */
export const itemInHand = (): Item | undefined => handled.getStore();

/** Names an item by its parts: 32 hexadecimal digits. */
export const fingerprint = (...parts: readonly (string | Uint8Array)[]): string => {
	const hash = createHash("sha256");
	for (const part of parts) hash.update(part).update("\0");
	return hash.digest("hex").slice(0, 32);
};

/** The item of one row on its way to its target: the same at every attempt, and for each part of it. */
export const outboundItem = (
	out: Readonly<{ operation: OperationId; trace: TraceId; event: BridgeEvent }>,
): Item => ({
	key: fingerprint("outbound", out.operation),
	what: `${out.event.kind} on its way out, trace ${out.trace}`,
});

const nothingSetAside: Quarantine = { holds: () => false, begin: () => () => undefined };

/** The one guard of every entry point: nothing that comes in from outside throws past it. */
export function createGuard(log: Log, quarantine: Quarantine = nothingSetAside): Guard {
	/** Set-aside items that were met in this run, so that each is logged once. */
	const met = new Set<string>();

	function fault(entry: string, err: unknown): void {
		log.error({ err, entry, item: itemInHand()?.what }, "an entry point failed; the bridge goes on");
	}

	return {
		async run(entry, work, onFault) {
			try {
				await work();
			} catch (error) {
				fault(entry, error);
				try {
					await onFault?.(error);
				} catch (second) {
					fault(entry, second);
				}
			}
		},
		handle(item, work) {
			if (quarantine.holds(item.key)) {
				if (!met.has(item.key))
					log.error({ item: item.what, key: item.key }, "skipped an item that is set aside");
				met.add(item.key);
				throw new SetAside();
			}
			const end = quarantine.begin(item);
			try {
				return handled.run(item, work);
			} finally {
				end();
			}
		},
	};
}
