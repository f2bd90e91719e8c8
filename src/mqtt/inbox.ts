import type { Arrival } from "./from-mqtt.ts";

/** QoS 0 may be lost, so that is what goes when more comes than can be written. QoS 1 is bounded by the broker. */
const most = 1000;
/** Bytes of payloads that wait; past them QoS 0 goes, too. */
const mostBytes = 8 * 1_048_576;

/**
 * Takes messages in batches and acknowledges each when it is safe, in the order of arrival [MQTT-4.6.0-2]. One for each
 * connection: a packet identifier means nothing on the next.
 */
export function createInbox(deps: {
	/** Resolves when all of them are on disk. */
	take(batch: readonly Arrival[]): Promise<void>;
	acknowledge(packetId: number): void;
	/** Nothing of the batch is acknowledged, and nothing more is taken. */
	failed(error: unknown): void;
	dropped(): void;
}) {
	let queue: Arrival[] = [];
	let bytes = 0;
	let open = true;
	let work = Promise.resolve();
	let working = false;

	async function run(): Promise<void> {
		working = true;
		try {
			while (queue.length > 0) {
				const batch = queue;
				queue = [];
				bytes = 0;
				await deps.take(batch);
				for (const { packetId } of batch) if (packetId !== undefined) deps.acknowledge(packetId);
			}
		} catch (error) {
			open = false;
			queue = [];
			deps.failed(error);
		} finally {
			working = false;
		}
	}

	return {
		add(arrival: Arrival): void {
			if (!open) return;
			if (arrival.qos === 0 && (queue.length >= most || bytes + arrival.payload.length > mostBytes)) {
				deps.dropped();
				return;
			}
			queue.push(arrival);
			bytes += arrival.payload.length;
			if (!working) work = run();
		},
		/** Takes nothing more; resolves when what was taken is acknowledged. */
		close(): Promise<void> {
			open = false;
			return work;
		},
	};
}
