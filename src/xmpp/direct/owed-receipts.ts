import { TemporaryError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge } from "../../core/network.ts";

/** Receipts that are kept. */
const most = 1_000;
const prefix = "xmpp receipt ";

/** Keeps the receipts that cannot be written while the link is broken, also over a kill of the bridge: on disk. */
export function createOwedReceipts(bridge: () => Pick<Bridge, "cursors" | "saveCursor">, log: Log) {
	/** The keys of this run, the oldest first. */
	const kept = new Set<string>();
	let paying: Promise<void> | undefined;
	/** One more round is due: a receipt may have been kept after the round under way had read them. */
	let again = false;

	function forget(key: string): Promise<void> {
		kept.delete(key);
		return bridge().saveCursor({ key, value: undefined });
	}

	async function pay(write: (room: string, id: string) => Promise<void>): Promise<void> {
		for (const { key, value } of await bridge().cursors(prefix)) {
			const [room = "", id = ""] = JSON.parse(value) as readonly string[];
			try {
				await write(room, id);
			} catch (err) {
				// The link broke again: the rest waits on.
				if (err instanceof TemporaryError) return;
				log.debug({ err }, "a receipt is dropped");
			}
			await forget(key);
		}
	}

	async function payAll(write: (room: string, id: string) => Promise<void>): Promise<void> {
		try {
			while (again) {
				again = false;
				await pay(write);
			}
		} finally {
			// At once: a receipt that is kept now begins a new round.
			paying = undefined;
		}
	}

	return {
		async keep(room: string, id: string): Promise<void> {
			const key = `${prefix}${room} ${id}`;
			kept.add(key);
			const [oldest] = kept;
			if (kept.size > most && oldest !== undefined) await forget(oldest);
			await bridge().saveCursor({ key, value: JSON.stringify([room, id]) });
		},
		/** Writes the receipts that were kept, each once: the link is up. */
		pay(write: (room: string, id: string) => Promise<void>): Promise<void> {
			again = true;
			paying ??= payAll(write);
			return paying;
		},
	};
}
