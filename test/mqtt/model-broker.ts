import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

type Held = { text: string; qos: 0 | 1 };

/**
 * A model of a broker of MQTT 5 with one session, which lasts. It repeats what was not acknowledged when the client comes
 * again [MQTT-4.4.0-1], and sends a message of QoS 0 once or, without a connection, never. All packets are short, and all
 * messages are on topic "t".
 */
export async function modelBroker(hooks: {
	/** Called for each packet of the client. */
	read(): void;
	/** The broker processes a DISCONNECT when this resolves, and sends messages meanwhile. */
	disconnects(): Promise<void>;
}) {
	let socket: Socket | undefined;
	let known = false;
	const waiting: Held[] = [];
	const inFlight = new Map<number, string>();
	let last = 0;

	function send(packetId: number, text: string, dup: boolean): void {
		// MQTT 5 §3.3: topic, packet identifier, no properties, payload.
		const body = Buffer.concat([
			Buffer.from([0, 1, 0x74, packetId >> 8, packetId & 0xff, 0]),
			Buffer.from(text),
		]);
		socket?.write(Buffer.concat([Buffer.from([dup ? 0x3a : 0x32, body.length]), body]));
	}
	function sendWaiting(): void {
		for (let next = waiting.shift(); next && socket; next = waiting.shift()) {
			last = (last % 60_000) + 1;
			inFlight.set(last, next.text);
			send(last, next.text, false);
		}
	}

	function take(packet: Buffer, from: Socket): void {
		hooks.read();
		const kind = (packet[0] ?? 0) >> 4;
		if (kind === 1) {
			socket = from;
			from.write(Buffer.from([0x20, 3, known ? 1 : 0, 0, 0]));
			known = true;
			for (const [packetId, text] of inFlight) send(packetId, text, true);
			sendWaiting();
		} else if (kind === 4) inFlight.delete(packet.readUInt16BE(2));
		else if (kind === 8) from.write(Buffer.from([0x90, 4, packet[2] ?? 0, packet[3] ?? 0, 0, 1]));
		else if (kind === 12) from.write(Buffer.from([0xd0, 0]));
		else if (kind === 14)
			void hooks.disconnects().then(() => {
				socket = undefined;
				from.end();
			});
	}

	const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (from) => {
		from.on("error", () => undefined);
		from.on("data", (bytes) => {
			for (let at = 0; at < bytes.length; at += 2 + (bytes[at + 1] ?? 0)) take(bytes.subarray(at), from);
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");

	return {
		url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
		/** Publishes a value; returns false for one of QoS 0 that the session does not get. */
		publish(text: string, qos: 0 | 1): boolean {
			if (qos === 1) {
				waiting.push({ text, qos });
				if (socket) sendWaiting();
			} else if (!socket) return false;
			else {
				const body = Buffer.concat([Buffer.from([0, 1, 0x74, 0]), Buffer.from(text)]);
				socket.write(Buffer.concat([Buffer.from([0x30, body.length]), body]));
			}
			return true;
		},
		close: () => server.close(),
	};
}
