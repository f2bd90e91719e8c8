import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { errorOf, type FromWorker, type Request, type ToWorker } from "./client-messages.ts";
import { type BrokerOptions, type Connection, type Events, patience } from "./connection.ts";
import type { Posted } from "./mailbox.ts";

/** Callbacks of a connection in the thread. They must not throw. */
export type ThreadEvents = Omit<Events, "arrival"> &
	Readonly<{
		/**
		 * A message came in, as in {@link Events}. Resolves with the time, in ms since 1970, until which a later value of QoS 0 of
		 * its topic takes its place in any case; undefined: each one counts. It must not reject.
		 */
		arrival(arrival: Posted): Promise<number | undefined>;
	}>;

/** Messages that are taken in one turn of the event loop: a chat goes on between those of a flood. */
const atOnce = 32;

/** The callbacks of one connection for the messages and the end of the thread. */
type Receiver = Readonly<{
	take(message: FromWorker): void;
	/** The thread has ended. */
	lost(cause: Error): void;
}>;

let thread: Worker | undefined;
/** By connection. */
const receivers = new Map<number, Receiver>();
let connections = 0;

/** Starts the thread of all connections, if it does not run. */
function running(): Worker {
	if (thread) return thread;
	const worker = new Worker(new URL("./client-worker.ts", import.meta.url));
	worker.unref();
	thread = worker;
	let cause = new Error("the thread of the MQTT connections has ended");
	worker.on("message", (message: FromWorker) => receivers.get(message.connection)?.take(message));
	worker.on("error", (error) => {
		cause = error;
	});
	worker.on("exit", () => {
		if (thread === worker) thread = undefined;
		for (const one of receivers.values()) one.lost(cause);
	});
	return worker;
}

/**
 * Opens one connection in the thread that all connections share, so that the main thread does not read a flood. The connection
 * is that of `dial` in client.ts.
 */
export function dialInThread(
	broker: BrokerOptions,
	events: ThreadEvents,
	how: { patience?: typeof patience } = {},
): Connection {
	const connection = ++connections;
	const worker = running();
	const pending = new Map<number, PromiseWithResolvers<number | undefined>>();
	let requests = 0;
	let ended: Error | undefined;
	/** Resolves when all that the thread has said until now is done. */
	let done = Promise.resolve();
	let acknowledged: number[] = [];
	type Bare<One> = One extends unknown ? Omit<One, "connection"> : never;
	const post = (message: Bare<ToWorker>) => worker.postMessage({ connection, ...message });

	async function take(batch: readonly Posted[]): Promise<void> {
		const held = new Map<string, number>();
		for (const [index, arrival] of batch.entries()) {
			if (index % atOnce === atOnce - 1) await setImmediate();
			const until = await events.arrival(arrival);
			if (until === undefined) held.delete(arrival.topic);
			else held.set(arrival.topic, until);
		}
		post({ do: "taken", held: [...held].map(([topic, until]) => ({ topic, until })) });
	}

	/** No request is answered any more. */
	function end(cause: Error): void {
		if (ended) return;
		ended = cause;
		receivers.delete(connection);
		for (const { reject } of pending.values()) reject(cause);
		pending.clear();
	}

	function ask(...request: Request): Promise<number | undefined> {
		if (ended) return Promise.reject(new Error("not connected"));
		const id = ++requests;
		const answer = Promise.withResolvers<number | undefined>();
		pending.set(id, answer);
		post({ do: "ask", id, request });
		return answer.promise;
	}

	function settled(id: number): PromiseWithResolvers<number | undefined> | undefined {
		const asked = pending.get(id);
		pending.delete(id);
		return asked;
	}

	receivers.set(connection, {
		take(message) {
			switch (message.says) {
				case "answer":
					return settled(message.id)?.resolve(message.answer);
				case "failed":
					return settled(message.id)?.reject(errorOf(message.fault));
				case "up":
					done = done.then(() => events.up(message.welcome));
					return;
				case "batch":
					done = done.then(() => take(message.batch));
					return;
				default: {
					const cause = errorOf(message.fault);
					end(cause);
					done = done.then(() => take(message.rest)).then(() => events.down(cause));
				}
			}
		},
		lost(cause) {
			end(cause);
			done = done.then(() => events.down(cause));
		},
	});
	post({ do: "dial", broker, patience: how.patience ?? patience });

	return {
		subscribe: async (filter, standing) => void (await ask("subscribe", filter, standing)),
		unsubscribe: async (filter) => void (await ask("unsubscribe", filter)),
		publish: async (topic, payload, extras) => (await ask("publish", topic, payload, extras)) ?? 0,
		acknowledge(packetId) {
			// The acknowledgements of one batch of the journal go together.
			if (acknowledged.length === 0)
				queueMicrotask(() => {
					post({ do: "acknowledge", packetIds: acknowledged });
					acknowledged = [];
				});
			acknowledged.push(packetId);
		},
		close: () => post({ do: "close" }),
		drop: () => post({ do: "drop" }),
	};
}
