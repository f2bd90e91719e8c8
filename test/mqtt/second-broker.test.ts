import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import mqtt from "mqtt";
import { afterEach, describe, expect, test } from "vitest";
import type { RoomId } from "../../src/core/ids.ts";
import { createMqtt, type MqttOptions, mirrorsOf } from "../../src/mqtt/index.ts";
import type { Shape } from "../../src/mqtt/shape.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork, lines, quiet, until } from "../fakes.ts";

/** Aedes, whose sessions and retained values outlive a restart of its listener, as those of a broker on disk do. */
async function startBroker() {
	const aedes = await Aedes.createBroker({ heartbeatInterval: 60_000 });
	const sockets = new Set<Socket>();
	let server: Server;
	let port = 0;
	const listen = async () => {
		server = createServer((socket) => {
			sockets.add(socket);
			socket.on("error", () => undefined);
			aedes.handle(socket);
		}).listen(port, "127.0.0.1");
		await once(server, "listening");
		({ port } = server.address() as AddressInfo);
	};
	/** Breaks every connection at once, as a kill does. */
	const kill = async () => {
		const closed = once(server, "close");
		server.close();
		for (const socket of sockets) socket.destroy();
		sockets.clear();
		await closed;
	};
	await listen();
	return { url: `mqtt://127.0.0.1:${port}`, kill, listen, close: () => kill().then(() => aedes.close()) };
}

const running: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const stop of running.splice(0).toReversed()) await stop();
});

/** Starts a bridge that shows `count/#` in a room. */
async function startBridge(
	url: string,
	shape: Shape,
	{ mapping = createMemoryMapping(), journal = createMemoryJournal(), chat = fakeNetwork("chat") } = {},
) {
	const home = { url, clientId: "trivium", protocol: "3.1.1" as const };
	const options: MqttOptions = {
		brokers: { home },
		mirrors: [{ broker: "home", topic: "count/#", room: "plaza", ...shape }],
	};
	const network = createMqtt(options, { mapping, log: quiet });
	const bridge = bridgeOf([chat, network], rulesFor({ "*": "admin" }), { mapping, journal });
	await bridge.start();
	const [topic] = mirrorsOf(options).map((one) => one.topic);
	await bridge.mirror(
		[{ here: chat.name, room: "plaza" as RoomId, there: network.name, topic: topic as RoomId }],
		true,
	);
	const up = () =>
		until(
			() => network.status?.().up === true,
			() => String(network.status?.().cause),
		);
	await up();
	return { bridge, chat, mapping, journal, up };
}

/** Publishes numbers at QoS 1, each until the broker has taken it, and keeps the last one. */
async function startPublisher(url: string) {
	const client = mqtt.connect(url, { reconnectPeriod: 20 });
	running.push(() => client.endAsync(true));
	await until(
		() => client.connected,
		() => "the publisher is not connected",
	);
	let next = 0;
	return async (many: number) => {
		for (const end = next + many; next < end; next++)
			await client.publishAsync("count/x", String(next), { qos: 1, retain: true });
	};
}

const shown = (chat: ReturnType<typeof fakeNetwork>) =>
	lines(chat).map((line) => line.slice(line.lastIndexOf(" ") + 1));

/** Aedes as a process, which forgets all when it is killed. */
async function spawnBroker(port = 0) {
	const child = spawn(process.execPath, ["test/mqtt/broker-process.ts", String(port)], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const [line] = (await once(child.stdout, "data")) as [Buffer];
	const kill = async () => {
		const exited = once(child, "exit");
		if (child.kill("SIGKILL")) await exited;
	};
	running.push(kill);
	return { port: Number(line), kill };
}

describe("Aedes as the broker", () => {
	test("a broker that SIGKILL ends in the middle costs what it alone had, and the room's last line is the retained value", async () => {
		const broker = await spawnBroker();
		const url = `mqtt://127.0.0.1:${broker.port}`;
		const { bridge, chat, up } = await startBridge(url, {});
		running.push(() => bridge.stop(5_000));
		const publish = await startPublisher(url);
		await publish(30);
		await until(
			() => shown(chat).includes("29"),
			() => shown(chat).join(),
		);
		await broker.kill();
		const meanwhile = publish(1);
		await spawnBroker(broker.port);
		await meanwhile;
		await up();
		await publish(30);
		await until(
			() => shown(chat).includes("60"),
			() => shown(chat).join(),
		);
		const all = shown(chat).map(Number);
		expect(all).toEqual([...new Set(all)].sort((one, other) => one - other));
		// Of those before the kill and after the return of the bridge none is missing; 30 was for a broker without it.
		expect(all.filter((n) => n !== 30)).toEqual([...Array(61).keys()].filter((n) => n !== 30));
	});

	test("a counting publisher is shown in full, though broker and bridge end in the middle", async () => {
		const broker = await startBroker();
		running.push(broker.close);
		const first = await startBridge(broker.url, {});
		const publish = await startPublisher(broker.url);
		await publish(20);
		await broker.kill();
		const meanwhile = publish(20);
		await broker.listen();
		await meanwhile;
		await first.up();
		await publish(20);
		await first.bridge.stop(5_000);
		await publish(20);
		const second = await startBridge(broker.url, {}, first);
		running.push(() => second.bridge.stop(5_000));
		await publish(20);
		await until(
			() => shown(second.chat).includes("99"),
			() => shown(second.chat).join(),
		);
		// Aedes lets new messages overtake those that it kept for a session, so their order is not the bridge's.
		const all = Array.from({ length: 100 }, (_, n) => String(n));
		await until(
			() => new Set(shown(second.chat)).size === all.length,
			() => shown(second.chat).join(),
		);
		expect(new Set(shown(second.chat))).toEqual(new Set(all));
	});

	test("the room's last line agrees with the retained value after the broker has ended in a flood", async () => {
		const broker = await startBroker();
		running.push(broker.close);
		const { bridge, chat, up } = await startBridge(broker.url, { show: "state" });
		running.push(() => bridge.stop(5_000));
		const publish = await startPublisher(broker.url);
		await publish(200);
		await broker.kill();
		// The bridge comes back a second later, when all of them wait for it.
		const meanwhile = publish(50);
		await broker.listen();
		await meanwhile;
		await up();
		const last = () =>
			chat.sent.map(({ event }) => ("text" in event ? event.text : "")).findLast((text) => text !== "");
		await until(
			() => last() === "count x: 249",
			() => String(last()),
		);
		// The others were merged.
		expect(chat.sent.length).toBeLessThan(50);
	});
});
