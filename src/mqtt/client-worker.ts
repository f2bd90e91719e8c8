import { parentPort } from "node:worker_threads";
import { dial } from "./client.ts";
import { type FromWorker, faultOf, type Request, type ToWorker } from "./client-messages.ts";
import type { Connection } from "./connection.ts";
import { createMailbox, type Mailbox, type Posted } from "./mailbox.ts";

const post = (message: FromWorker, transfer: readonly ArrayBuffer[] = []) =>
	parentPort?.postMessage(message, transfer);

/** Bytes of a payload that is handed over: a copy of a smaller one costs less. */
const large = 8_192;

/** Returns the message with a payload of its own: a copy of the library's would copy its chunk of 64 KiB. */
function alone(one: Posted): Posted {
	const { payload, qos } = one;
	// The library keeps a message of QoS 2 until the broker releases it.
	const isOwn = payload.length === payload.buffer.byteLength && qos !== 2;
	return isOwn ? one : { ...one, payload: new Uint8Array(payload) };
}

/** Posts messages. The large payloads change hands, so that no thread keeps a copy of them. */
function postAll(batch: readonly Posted[], message: (batch: readonly Posted[]) => FromWorker): void {
	const own = batch.map(alone);
	const payloads = own.filter(({ payload }) => payload.length >= large).map(({ payload }) => payload.buffer);
	post(message(own), payloads as ArrayBuffer[]);
}

function later(ms: number, work: () => void): void {
	if (ms === 0) setImmediate(work);
	else setTimeout(work, ms);
}

const open = new Map<number, Readonly<{ client: Connection; mailbox: Mailbox }>>();

function begin({ connection, broker, patience }: Extract<ToWorker, { do: "dial" }>): void {
	const mailbox = createMailbox({
		send: (all) => postAll(all, (batch) => ({ connection, says: "batch", batch })),
		later,
	});
	function down(cause: unknown): void {
		open.delete(connection);
		postAll(mailbox.rest(), (rest) => ({ connection, says: "down", rest, fault: faultOf(cause) }));
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
