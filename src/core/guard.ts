import { AsyncLocalStorage } from "node:async_hooks";
import { hash } from "node:crypto";
import { PermanentError } from "./errors.ts";
import type { BridgeEvent } from "./event.ts";
import type { OperationId, TraceId } from "./ids.ts";
import type { Log } from "./log.ts";
import * as phrases from "./phrases.ts";

/** One unit of foreign input that the bridge handles: an event that a network received, or an outbound row. */
export type Item = Readonly<{
	/** A short text of bounded length that identifies the item, such as a {@link fingerprint} of what a stranger chose. */
	key: string;
	/** A description for the admin: the item's kind and source, never its text. */
	what: string;
}>;

/** The record of the item that was being handled, which survives the death of the process. */
export interface Quarantine {
	/** Returns true if the item is set aside: the process died twice while it handled the item. */
	holds(key: string): boolean;
	/** Takes the item in hand; the returned function puts it down again. Both never throw. */
	begin(item: Item): () => void;
}

export type Guard = Readonly<{
	/**
	 * Runs the work of one entry point. An error is logged with its stack and the name of the entry point, and then passed
	 * to `onFault`. Never throws, and the returned promise never rejects.
	 */
	run(entry: string, work: () => unknown, onFault?: (error: unknown) => unknown): Promise<void>;
	/**
	 * Returns the result of `work`, which handles one item. The item is in hand until the synchronous part of
	 * `work` returns, so that an item that ends the process is known at the next start.
	 * @throws SetAside, and every error of `work`
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
/** Returns the item that the current asynchronous call chain handles. */
export const itemInHand = (): Item | undefined => handled.getStore();

/** Returns a hash of an item's parts, of which the last may be bytes: 32 hexadecimal digits. */
export const fingerprint = (...parts: readonly [...string[], string | Uint8Array]): string => {
	const last = parts.at(-1) ?? "";
	const first = parts.slice(0, -1).join("\0");
	// The one-shot hash costs a third of a stream of updates.
	const whole =
		typeof last === "string" ? `${first}\0${last}` : Buffer.concat([Buffer.from(`${first}\0`), last]);
	return hash("sha256", whole, "hex").slice(0, 32);
};

/** Returns the item of an outbound row: the same at each attempt, and for each part of the row. */
export const outboundItem = (
	out: Readonly<{ operation: OperationId; trace: TraceId; event: BridgeEvent }>,
): Item => ({
	key: `outbound ${out.operation}`,
	what: `${out.event.kind} on its way out, trace ${out.trace}`,
});

const nothingSetAside: Quarantine = { holds: () => false, begin: () => () => undefined };

/** Creates the guard of all entry points: no foreign input throws past it. */
export function createGuard(log: Log, quarantine: Quarantine = nothingSetAside): Guard {
	/** Set-aside items that came in again in this run, so that each is logged once. */
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
