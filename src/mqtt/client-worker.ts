import { parentPort } from "node:worker_threads";
import { dial } from "./client.ts";
import { type FromWorker, faultOf, type Request, type ToWorker } from "./client-messages.ts";
import type { Connection } from "./connection.ts";
import { createMailbox, type Mailbox, type Posted } from "./mailbox.ts";

const post = (message: FromWorker) => parentPort?.postMessage(message);

/** Returns the messages with payloads of their own: a copy of the library's would copy its chunk of 64 KiB. */
const alone = (batch: readonly Posted[]): readonly Posted[] =>
	batch.map((one) => ({ ...one, payload: new Uint8Array(one.payload) }));

function later(ms: number, work: () => void): void {
	if (ms === 0) setImmediate(work);
	else setTimeout(work, ms);
}

const open = new Map<number, Readonly<{ client: Connection; mailbox: Mailbox }>>();

function begin({ connection, broker, patience }: Extract<ToWorker, { do: "dial" }>): void {
	const mailbox = createMailbox({
		send: (batch) => post({ connection, says: "batch", batch: alone(batch) }),
		later,
	});
	function down(cause: unknown): void {
		open.delete(connection);
		post({ connection, says: "down", rest: alone(mailbox.rest()), fault: faultOf(cause) });
	}
	try {
		const client = dial(
			broker,
			{
				up: (welcome) => post({ connection, says: "up", welcome }),
				arrival: async (arrival) => mailbox.add(arrival),
				down,
			},
			{ patience },
		);
		open.set(connection, { client, mailbox });
	} catch (error) {
		// The fault of one connection, such as a key that cannot be read, ends no other.
		down(error);
	}
}

function ask(client: Connection, [name, ...values]: Request): Promise<number | undefined> {
	const request = client[name] as (...values: unknown[]) => Promise<number | undefined>;
	return request(...values);
}

parentPort?.on("message", (message: ToWorker) => {
	if (message.do === "dial") return begin(message);
	const { connection } = message;
	const { client, mailbox } = open.get(connection) ?? {};
	// The main thread does not know yet that the connection has ended.
	if (!client || !mailbox) return;
	switch (message.do) {
		case "ask": {
			const { id, request } = message;
			ask(client, request).then(
				(answer) => post({ connection, says: "answer", id, answer }),
				(error: unknown) => post({ connection, says: "failed", id, fault: faultOf(error) }),
			);
			break;
		}
		case "acknowledge":
			message.packetIds.forEach(client.acknowledge);
			break;
		case "taken":
			mailbox.taken(message.held);
			break;
		default:
			client[message.do]();
	}
});
