import type { Arrival } from "./from-mqtt.ts";

/** Most messages, and most bytes of them, that wait behind the batch that is being written. */
const most = 1000;
const mostBytes = 8 * 1_048_576;

/**
 * Hands messages to the journal in batches and acknowledges each one when it is on disk, in the order of arrival
 * [MQTT-4.6.0-2]. Each connection has an inbox of its own: packet identifiers belong to one connection. Past the bounds
 * QoS 0 messages are dropped, and a QoS 1 message pauses the connection: MQTT 3.1.1 has no receive maximum, and a hostile
 * broker ignores it.
 */
export function createInbox<One extends Arrival>(deps: {
	/** Resolves when all messages of the batch are on disk. */
	take(batch: readonly One[]): Promise<void>;
	acknowledge(packetId: number): void;
	/** `take` failed: nothing of the batch is acknowledged, and the inbox takes no more messages. */
	failed(error: unknown): void;
	/** A QoS 0 message was dropped. */
	dropped(): void;
}) {
	let queue: One[] = [];
	let bytes = 0;
	let open = true;
	let work = Promise.resolve();
	let working = false;
	/** Pending while a batch is being written. */
	let written = Promise.withResolvers<void>();
	/** Pending while the inbox is full. */
	let room: PromiseWithResolvers<void> | undefined;

	function released(): void {
		queue = [];
		bytes = 0;
		room?.resolve();
		room = undefined;
	}

	async function run(): Promise<void> {
		working = true;
		try {
			while (queue.length > 0) {
				const batch = queue;
				released();
				await deps.take(batch);
				for (const { packetId } of batch) if (packetId !== undefined) deps.acknowledge(packetId);
				noteWritten();
			}
		} catch (error) {
			open = false;
			released();
			deps.failed(error);
		} finally {
			working = false;
			noteWritten();
		}
	}

	function noteWritten(): void {
		written.resolve();
		written = Promise.withResolvers();
	}

	return {
		/** Returns a promise when the inbox is full; it resolves when there is room for further messages. */
		add(arrival: One): Promise<void> | undefined {
			if (!open) return undefined;
			const isFull = () => queue.length >= most || bytes >= mostBytes;
			if (arrival.qos === 0 && isFull()) {
				deps.dropped();
				return undefined;
			}
			queue.push(arrival);
			bytes += arrival.payload.length + 2 * arrival.topic.length;
			if (!working) work = run();
			if (arrival.qos === 0 || !isFull()) return undefined;
			room ??= Promise.withResolvers();
			return room.promise;
		},
		/** Resolves when the messages that were taken before the call are written and acknowledged, or lost with the connection. */
		async reached(): Promise<void> {
			for (let batches = Number(working) + Number(queue.length > 0); batches > 0 && working; batches--)
				await written.promise;
		},
		/** Returns whether it takes messages. */
		isOpen: (): boolean => open,
		/** Returns whether nothing waits or is being written. */
		isIdle: (): boolean => !working && queue.length === 0,
		/** Takes no more messages; resolves when those taken are written, and acknowledged if their connection still is up. */
		close(): Promise<void> {
			open = false;
			return work;
		},
	};
}
