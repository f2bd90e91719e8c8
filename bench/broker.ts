import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { FromBroker, ToBroker } from "./broker-worker.ts";

export type Broker = Awaited<ReturnType<typeof broker>>;

/**
 * Starts the broker in a thread of its own: a flood must not delay the chat in the process that measures it. `publish`
 * sends a message of QoS 1; `flood` resolves with the number of messages sent.
 */
export async function broker() {
	const worker = new Worker(new URL("./broker-worker.ts", import.meta.url));
	const subscribed = Promise.withResolvers<void>();
	const call = (message: ToBroker) => worker.postMessage(message);
	worker.on("message", (message: FromBroker) => message.says === "subscribed" && subscribed.resolve());

	const [first] = (await once(worker, "message")) as [FromBroker];
	if (first.says !== "listening") throw new Error(`the broker began with "${first.says}"`);
	return {
		port: first.port,
		subscribed: subscribed.promise,
		publish: (topic: string, payload: string): void => call({ call: "publish", topic, payload }),
		async flood(rate: number, qos: 0 | 1, ms: number): Promise<number> {
			call({ call: "flood", rate, qos, ms });
			for (;;) {
				const [message] = (await once(worker, "message")) as [FromBroker];
				if (message.says === "flooded") return message.sent;
			}
		},
		close: () => void worker.terminate(),
	};
}
