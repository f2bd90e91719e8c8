import { bare } from "./jid.ts";
import { stanzaMemory } from "./stanza-memory.ts";
import type { Element } from "./stream/xml.ts";

/** Lines of one sender that may wait: the lookup of a ghost can take long, and a sender can make it so. */
const waitingAtMost = 5_000;
/** Bytes that waiting lines take in memory, as trees: those of one sender, and of all. */
const waitingBytes = { sender: 16 * 1_048_576, all: 64 * 1_048_576 };

/** Has the lines of each sender taken one after the other. `take` must not reject. */
export function createSenderQueues(take: (stanza: Element) => Promise<void>) {
	const queues = new Map<string, { last: Promise<void>; waiting: number; bytes: number }>();
	let bytesOfAll = 0;

	return {
		/** Queues a line. False for a line that is past what may wait; a line alone is queued whatever its size. */
		add(stanza: Element): boolean {
			const sender = bare(stanza.attrs.from ?? "");
			const queue = queues.get(sender) ?? { last: Promise.resolve(), waiting: 0, bytes: 0 };
			const bytes = stanzaMemory(stanza);
			const tooLarge = queue.bytes + bytes > waitingBytes.sender || bytesOfAll + bytes > waitingBytes.all;
			if (queue.waiting >= waitingAtMost || (bytesOfAll > 0 && tooLarge)) return false;
			queue.waiting++;
			queue.bytes += bytes;
			bytesOfAll += bytes;
			queue.last = queue.last
				.then(() => take(stanza))
				.then(() => {
					queue.bytes -= bytes;
					bytesOfAll -= bytes;
					if (--queue.waiting === 0) queues.delete(sender);
				});
			queues.set(sender, queue);
			return true;
		},
		/** Resolves when the lines queued so far have been taken. */
		async settled(): Promise<void> {
			await Promise.all(queues.values().map(({ last }) => last));
		},
	};
}
