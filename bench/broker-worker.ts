import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort } from "node:worker_threads";

/** The Receive Maximum of the bridge. */
const window = 100;

/** A call from the main thread: to publish one message of QoS 1, or a flood of values for a time in ms. */
export type ToBroker =
	| Readonly<{ call: "publish"; topic: string; payload: string }>
	| Readonly<{ call: "flood"; rate: number; qos: 0 | 1; ms: number }>;
/** A message to the main thread: the port of the broker, its one subscription, the messages that a flood has sent. */
export type FromBroker =
	| Readonly<{ says: "listening"; port: number }>
	| Readonly<{ says: "subscribed" }>
	| Readonly<{ says: "flooded"; sent: number }>;

/** The values of a flood: those of 200 thermometers in turn. */
const floodValue = (n: number): readonly [topic: string, payload: string] => [
	`home/line${n % 200}/temperature`,
	JSON.stringify({ temperature: 20 + (n % 100) / 10, n }),
];

/** Returns a remaining length in MQTT's encoding, seven bits per byte. */
function lengthOf(body: Buffer): number[] {
	const bytes: number[] = [];
	for (let left = body.length; bytes.length === 0 || left > 0; left >>= 7)
		bytes.push((left & 127) | (left > 127 ? 128 : 0));
	return bytes;
}

/** Starts a minimal broker for MQTT 3.1.1 and 5 that sends QoS 1 messages to one subscriber, on a real socket. */
async function broker(say: (message: FromBroker) => void) {
	const queue: (readonly [topic: string, payload: string])[] = [];
	let client: Socket | undefined;
	let five = false;
	let underWay = 0;
	let id = 0;

	/** Returns the PUBLISH of a message. [MQTT-3.3.1] */
	function packetOf(topic: string, payload: string, qos: 0 | 1): readonly Buffer[] {
		const head = Buffer.from([topic.length >> 8, topic.length & 255]);
		if (qos === 1) {
			underWay++;
			id = (id % 65_535) + 1;
		}
		const number = Buffer.from([...(qos === 1 ? [id >> 8, id & 255] : []), ...(five ? [0] : [])]);
		const body = Buffer.concat([head, Buffer.from(topic), number, Buffer.from(payload)]);
		return [Buffer.from([0x30 | (qos << 1), ...lengthOf(body)]), body];
	}

	function pump(): void {
		if (!client) return;
		const packets: Buffer[] = [];
		while (underWay < window && queue.length > 0)
			packets.push(...packetOf(...(queue.shift() as readonly [string, string]), 1));
		if (packets.length > 0) client.write(Buffer.concat(packets));
	}

	/**
	 * Sends so many messages a second for a time in ms, as Mosquitto does: of QoS 1 at most 20 that are not acknowledged.
	 * Resolves with the number of messages sent.
	 */
	async function flood(rate: number, qos: 0 | 1, ms: number): Promise<number> {
		const began = performance.now();
		let sent = 0;
		for (let passed = 0; passed < ms; passed = performance.now() - began) {
			const packets: Buffer[] = [];
			while (sent < (passed / 1_000) * rate && (qos === 0 || underWay < 20))
				packets.push(...packetOf(...floodValue(sent++), qos));
			if (packets.length > 0) client?.write(Buffer.concat(packets));
			await sleep(1);
		}
		return sent;
	}

	function packet(socket: Socket, type: number, body: Buffer): void {
		if (type === 1) {
			five = body[6] === 5;
			socket.write(Buffer.from(five ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]));
		} else if (type === 8) {
			const [high = 0, low = 0] = body;
			socket.write(Buffer.from(five ? [0x90, 4, high, low, 0, 1] : [0x90, 3, high, low, 1]));
			client = socket;
			say({ says: "subscribed" });
		} else if (type === 4) underWay--;
		else if (type === 12) socket.write(Buffer.from([0xd0, 0]));
	}

	const server = createServer({ noDelay: true }, (socket) => {
		let rest: Buffer = Buffer.alloc(0);
		socket.on("error", () => undefined);
		socket.on("data", (chunk: Buffer) => {
			rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
			for (;;) {
				let length = 0;
				let at = 1;
				for (; at < rest.length; at++) {
					length |= ((rest[at] ?? 0) & 127) << (7 * (at - 1));
					if ((rest[at] ?? 0) < 128) break;
				}
				if (rest.length < at + 1 + length || rest.length < 2) break;
				packet(socket, (rest[0] ?? 0) >> 4, rest.subarray(at + 1, at + 1 + length));
				rest = rest.subarray(at + 1 + length);
			}
			pump();
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");

	say({ says: "listening", port: (server.address() as AddressInfo).port });

	return {
		publish(topic: string, payload: string): void {
			queue.push([topic, payload]);
			if (underWay < window) queueMicrotask(pump);
		},
		flood,
	};
}

const say = (message: FromBroker) => parentPort?.postMessage(message);
const running = await broker(say);
parentPort?.on("message", async (message: ToBroker) => {
	if (message.call === "publish") running.publish(message.topic, message.payload);
	else say({ says: "flooded", sent: await running.flood(message.rate, message.qos, message.ms) });
});
