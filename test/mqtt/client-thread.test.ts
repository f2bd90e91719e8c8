import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Worker } from "node:worker_threads";
import { expect, onTestFinished, test, vi } from "vitest";
import { dialInThread, type ThreadEvents } from "../../src/mqtt/client-thread.ts";
import { type BrokerOptions, Refusal } from "../../src/mqtt/connection.ts";

const workers = vi.hoisted(() => [] as Worker[]);
vi.mock(import("node:worker_threads"), async (original) => {
	const real = await original();
	class Seen extends real.Worker {
		constructor(...values: ConstructorParameters<typeof real.Worker>) {
			super(...values);
			workers.push(this);
		}
	}
	return { ...real, Worker: Seen };
});

/** Starts a broker that answers the CONNECT, and sends `packets` after it. */
async function broker(packets: Buffer = Buffer.alloc(0), reasonCode = 0) {
	const sockets: Socket[] = [];
	const server = createServer((socket) => {
		sockets.push(socket);
		socket.on("error", () => undefined);
		socket.once("data", () =>
			socket.write(Buffer.concat([Buffer.from([0x20, 3, 0, reasonCode, 0]), packets])),
		);
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {
		options: { url, protocol: "5", clientId: "c" } as const,
		send: (more: Buffer) => sockets.at(-1)?.write(more),
	};
}
/** A QoS 0 PUBLISH of a value of one digit to "t". MQTT 5 §3.3 */
const publish = (n: number) => Buffer.from([0x30, 5, 0, 1, 0x74, 0, 0x30 + (n % 10)]);

function dialed(to: BrokerOptions, arrival: ThreadEvents["arrival"]) {
	const up = Promise.withResolvers<void>();
	const down = Promise.withResolvers<Error>();
	const connection = dialInThread(to, { up: () => up.resolve(), arrival, down: down.resolve });
	onTestFinished(() => connection.drop());
	return { connection, up: up.promise, down: down.promise };
}

test("a flood leaves turns of the event loop to others", async () => {
	let turns = 0;
	let taken = 0;
	const all = Promise.withResolvers<void>();
	const count = () => {
		turns++;
		if (taken < 1_000) setImmediate(count);
	};
	setImmediate(count);
	const { options } = await broker(Buffer.concat(Array.from({ length: 1_000 }, (_, n) => publish(n))));
	/** The values that were taken in each turn. */
	const byTurn = new Map<number, number>();
	dialed(options, async () => {
		byTurn.set(turns, (byTurn.get(turns) ?? 0) + 1);
		if (++taken === 1_000) all.resolve();
		return undefined;
	});
	await all.promise;
	expect(Math.max(...byTurn.values())).toBeLessThanOrEqual(64);
});

test("the thread counts the values of a flood on a held topic and passes the last one on", async () => {
	const { options, send } = await broker(publish(0));
	const last = Promise.withResolvers<void>();
	let calls = 0;
	let values = 0;
	let text = "";
	dialed(options, async ({ payload, superseded = 0 }) => {
		if (++calls === 1)
			setTimeout(() => send(Buffer.concat(Array.from({ length: 1_000 }, (_, n) => publish(n)))), 50);
		values += 1 + superseded;
		text = Buffer.from(payload).toString();
		if (values === 1_001) last.resolve();
		return Date.now() + 3_600_000;
	});
	await last.promise;
	expect(text).toBe("9");
	// The 1,000 values take a few tenths of a second at most, and the latest one goes on in each.
	expect(calls).toBeLessThan(100);
});

test("a refusal keeps its reason code on its way between the threads", async () => {
	const { down } = dialed((await broker(undefined, 0x87)).options, async () => undefined);
	const cause = await down;
	expect(cause).toBeInstanceOf(Refusal);
	expect((cause as Refusal).code).toBe(0x87);
});

test("a fault of one connection leaves the others up", async () => {
	const { up, connection, down } = dialed((await broker()).options, async () => undefined);
	await up;
	const bad = dialed(
		{ url: "mqtts://127.0.0.1:9", protocol: "5", clientId: "c", cert: "none", key: "none" },
		async () => undefined,
	);
	expect((await bad.down).message).toMatch(/PEM/);
	connection.drop();
	expect((await down).message).toBe("dropped");
});

test("the end of the thread ends its connections and their requests, and the next connection starts another thread", async () => {
	const { options } = await broker();
	const { up, down, connection } = dialed(options, async () => undefined);
	await up;
	const asked = connection.publish("t", "1");
	await workers.at(-1)?.terminate();
	await expect(asked).rejects.toThrow("the thread of the MQTT connections has ended");
	expect((await down).message).toBe("the thread of the MQTT connections has ended");
	await expect(connection.subscribe("t")).rejects.toThrow("not connected");
	await dialed(options, async () => undefined).up;
});
