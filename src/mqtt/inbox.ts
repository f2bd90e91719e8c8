import type { Arrival } from "./from-mqtt.ts";

/** Most waiting messages; past them QoS 0 messages are dropped. The receive maximum bounds QoS 1. */
const most = 1000;
/** Bytes of waiting payloads, past which QoS 0 messages are dropped, too. */
const mostBytes = 8 * 1_048_576;

/**
 * Hands messages to the journal in batches and acknowledges each one when it is on disk, in the order of arrival
 * [MQTT-4.6.0-2]. Each connection has an inbox of its own: packet identifiers belong to one connection.
 */
export function createInbox(deps: {
	/** Resolves when all messages of the batch are on disk. */
	take(batch: readonly Arrival[]): Promise<void>;
	acknowledge(packetId: number): void;
	/** `take` failed: nothing of the batch is acknowledged, and the inbox takes no more messages. */
	failed(error: unknown): void;
	/** A QoS 0 message was dropped. */
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
		/** Takes no more messages; resolves when those taken are acknowledged. */
		close(): Promise<void> {
			open = false;
			return work;
		},
	};
}
