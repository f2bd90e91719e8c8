import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, describe, expect, test, vi } from "vitest";
import { eventually } from "../eventually.ts";

// The faults of mqtt.js 5.16.0 that src/mqtt/client.ts works around. A failing test says that upstream has fixed one.

let server: Server | undefined;
let client: MqttClient | undefined;
afterEach(() => {
	client?.end(true);
	server?.close();
});

const connack = (code: number) => Buffer.from([0x20, 3, 0, code, 0]);
/** A QoS 1 PUBLISH of "v" to "t". MQTT 5 §3.3 */
const publish = (id: number) => Buffer.from([0x32, 7, 0, 1, 0x74, 0, id, 0, 0x76]);

/** Starts a minimal broker, which sends a CONNACK and then runs `then`. */
async function broker(code: number, then: (socket: Socket) => void = () => undefined) {
	const seen: { connections: number; bytes: Buffer[] } = { connections: 0, bytes: [] };
	server = createServer((socket) => {
		seen.connections++;
		socket.on("error", () => undefined);
		socket.once("data", () => {
			socket.write(connack(code));
			socket.on("data", (chunk: Buffer) => void seen.bytes.push(chunk));
			then(socket);
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	return { seen, url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
function dial(url: string, options: IClientOptions = {}): MqttClient {
	client = connect(url, { protocolVersion: 5, clean: false, clientId: "c", manualConnect: true, ...options });
	client.on("error", () => undefined);
	return client;
}
const happens = (one: MqttClient, event: "connect" | "close") =>
	new Promise<void>((resolve) => one.once(event, () => resolve()));
const pubacks = (bytes: readonly Buffer[]) =>
	[...Buffer.concat(bytes)].filter((byte) => byte === 0x40).length;

describe("mqtt.js", () => {
	test("stops reconnecting for ever after a refused CONNECT", async () => {
		const { seen, url } = await broker(0x87);
		dial(url, { reconnectPeriod: 10 }).connect();
		await sleep(200);
		expect(seen.connections).toBe(1);
	});

	test("reports reason code 0x10 of a PUBACK as success", async () => {
		// A PUBACK of that packet with 0x10. MQTT 5 §3.4.2.1
		const { url } = await broker(0, (socket) => {
			socket.once("data", (chunk) => socket.write(Buffer.from([0x40, 4, ...chunk.subarray(5, 7), 0x10, 0])));
		});
		const one = dial(url);
		one.connect();
		await happens(one, "connect");
		const answer = await new Promise<unknown[]>((resolve) => {
			one.publish("t", "v", { qos: 1 }, (...said) => resolve(said));
		});
		expect(answer.some((part) => (part as { reasonCode?: number } | null)?.reasonCode === 0x10)).toBe(false);
	});

	test("handles and acknowledges one message at a time, however long the handler takes", async () => {
		const { url } = await broker(0, (socket) => void socket.write(Buffer.concat([publish(1), publish(2)])));
		const one = dial(url);
		one.handleMessage = vi.fn();
		one.connect();
		await eventually(() => expect(one.handleMessage).toHaveBeenCalled());
		await sleep(100);
		expect(one.handleMessage).toHaveBeenCalledOnce();
	});

	test("reports a handler's error nowhere, reads on, and sends no PUBACK", async () => {
		const { seen, url } = await broker(
			0,
			(socket) => void socket.write(Buffer.concat([publish(1), publish(2)])),
		);
		const one = dial(url);
		const onError = vi.fn();
		one.on("error", onError);
		const handled = vi.fn();
		one.handleMessage = (packet, done) => {
			handled(packet.messageId);
			done(new Error("acknowledged later"));
		};
		one.connect();
		await eventually(() => expect(handled).toHaveBeenCalledTimes(2));
		await sleep(50);
		expect(onError).not.toHaveBeenCalled();
		expect(pubacks(seen.bytes)).toBe(0);
		(one as unknown as { _sendPacket(packet: object): void })._sendPacket({
			cmd: "puback",
			messageId: 1,
			reasonCode: 0,
		});
		await eventually(() => expect(pubacks(seen.bytes)).toBe(1));
	});

	test("leaves a publish pending for ever when the connection breaks and reconnecting is off", async () => {
		const { url } = await broker(0, (socket) => void socket.once("data", () => socket.destroy()));
		const one = dial(url, { reconnectPeriod: 0 });
		one.connect();
		await happens(one, "connect");
		const answered = vi.fn();
		one.publish("t", "v", { qos: 1 }, answered);
		await happens(one, "close");
		await sleep(100);
		expect(answered).not.toHaveBeenCalled();
	});
});
