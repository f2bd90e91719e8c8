import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { BrokerOptions } from "../../src/mqtt/connection.ts";
import type { Arrival } from "../../src/mqtt/from-mqtt.ts";
import { createSession } from "../../src/mqtt/session.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { quiet, until } from "../fakes.ts";
import { patience } from "../patience.ts";

let server: Server | undefined;
let running: ReturnType<typeof createSession> | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
	for (const socket of sockets) socket.destroy();
	await running?.stop();
	server?.close();
});

/** The packet types in the first four bits of a packet. // MQTT 5 §2.1.2 */
const kinds: Readonly<Record<number, string>> = {
	1: "CONNECT",
	3: "PUBLISH",
	4: "PUBACK",
	5: "PUBREC",
	7: "PUBCOMP",
	8: "SUBSCRIBE",
	12: "PINGREQ",
	14: "DISCONNECT",
};
type Answer = (kind: string, reply: (...bytes: number[]) => void, packet: Buffer) => void;

/** Starts a minimal broker; `answer` returns its answer to each packet of the n-th connection. All packets are short. */
async function broker(answer: (connection: number) => Answer) {
	const seen: string[] = [];
	let connections = 0;
	server = createServer((socket) => {
		const mine = ++connections;
		sockets.add(socket);
		socket.on("error", () => undefined);
		socket.on("data", (bytes) => {
			for (let at = 0; at < bytes.length; at += 2 + (bytes[at + 1] ?? 0)) {
				const kind = kinds[(bytes[at] ?? 0) >> 4] ?? "?";
				seen.push(`${mine} ${kind}`);
				answer(mine)(kind, (...reply) => socket.write(Buffer.from(reply)), bytes.subarray(at));
			}
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	return { seen, url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
const connack = [0x20, 3, 0, 0, 0] as const;
const pingresp = [0xd0, 0] as const;
/** A QoS 1 PUBLISH of "v" to "t". MQTT 5 §3.3 */
const publish = (id: number) => [0x32, 7, 0, 1, 0x74, 0, id, 0, 0x76] as const;
const well: Answer = (kind, reply) => {
	if (kind === "CONNECT") reply(...connack);
	if (kind === "PINGREQ") reply(...pingresp);
};

/** Limits for the tests in which they are exceeded. */
const soon = { deadline: 300, keepalive: 1_000 };

async function start(
	url: string,
	receive: (batch: readonly Arrival[]) => Promise<void> = async () => undefined,
	protocol: "5" | "3.1.1" = "5",
	filters: readonly string[] = [],
	limits: { deadline: number; keepalive: number } = { deadline: patience, keepalive: patience },
	more: Partial<BrokerOptions> = {},
) {
	running = createSession({
		name: "home",
		broker: { url, clientId: "c", protocol, ...more },
		mapping: createMemoryMapping(),
		log: quiet,
		cursor: async () => undefined,
		cursors: async () => [],
		save: async () => undefined,
		receive,
		pace: () => "each",
		sort: () => ({ name: "", use: "shown" }),
		merged: () => undefined,
		timing: { first: 10, most: 100, again: 100, ...limits },
	});
	await running.start(filters);
	return running;
}
const shows = (seen: readonly string[], wanted: string) =>
	until(
		() => seen.includes(wanted),
		() => seen.join(", "),
	);

describe("createSession", () => {
	test("reconnects to a broker that accepts the connection and sends no CONNACK", async () => {
		const { seen, url } = await broker((n) => (n < 3 ? () => undefined : well));
		const one = await start(url, undefined, "5", [], soon);
		await shows(seen, "3 CONNECT");
		await until(
			() => one.status().up,
			() => "not up",
		);
	});

	test("publishes a value without properties in a packet that ends with the value", async () => {
		const packets: Buffer[] = [];
		const { url } = await broker(() => (kind, reply, packet) => {
			well(kind, reply, packet);
			if (kind !== "PUBLISH") return;
			packets.push(Buffer.from(packet));
			reply(0x40, 2, packet[5] ?? 0, packet[6] ?? 0);
		});
		const one = await start(url);
		await until(
			() => one.status().up,
			() => "not up",
		);
		expect(await one.publish("t", "v")).toBe(0);
		const packet = [...(packets[0] ?? [])];
		// Bytes 5 and 6 are the packet identifier.
		expect(packet).toEqual([...publish(0).slice(0, 5), packet[5], packet[6], ...publish(0).slice(7)]);
	});

	test.each([
		["5", "an access list", 0x87, /to t is missing: the broker refused it: we are not authorised/],
		[
			"3.1.1",
			"an access list of MQTT 3.1.1",
			0x80,
			/to t is missing: the broker refused it: it gives no reason/,
		],
	] as const)(
		"tells of a subscription that MQTT %s's broker refuses by %s, and asks again",
		async (protocol, _by, code, cause) => {
			let granted = false;
			const suback = (reply: (...bytes: number[]) => void, [, , high = 0, low = 0]: Buffer) => {
				const answer = granted ? 1 : code;
				if (protocol === "5") reply(0x90, 4, high, low, 0, answer);
				else reply(0x90, 3, high, low, answer);
			};
			const { seen, url } = await broker(() => (kind, reply, packet) => {
				if (kind === "CONNECT") reply(...(protocol === "5" ? connack : ([0x20, 2, 0, 0] as const)));
				else if (kind === "SUBSCRIBE") suback(reply, packet);
				else well(kind, reply, packet);
			});
			const one = await start(url, undefined, protocol, ["t"]);
			await shows(seen, "1 SUBSCRIBE");
			await until(
				() => cause.test(one.status().cause ?? ""),
				() => JSON.stringify(one.status()),
			);
			await expect(one.attach("t")).rejects.toMatchObject({ code });
			granted = true;
			await until(
				() => one.status().up,
				() => JSON.stringify(one.status()),
			);
			await one.attach("t");
		},
	);

	test("counts a broker without QoS 1 as no working link", async () => {
		// CONNACK with the property Maximum QoS 0. MQTT 5 §3.2.2.3.4
		const { url } = await broker(
			() => (kind, reply, packet) =>
				kind === "CONNECT" ? reply(0x20, 5, 0, 0, 2, 0x24, 0) : well(kind, reply, packet),
		);
		const one = await start(url);
		await until(
			() => /QoS 0 only/.test(one.status().cause ?? ""),
			() => JSON.stringify(one.status()),
		);
	});

	test("tells for how long the broker keeps the session, if that is less than asked for", async () => {
		// CONNACK with the property Session Expiry Interval. MQTT 5 §3.2.2.3.2
		const { url } = await broker(
			() => (kind, reply, packet) =>
				kind === "CONNECT" ? reply(0x20, 8, 0, 0, 5, 0x11, 0, 0, 0, 60) : well(kind, reply, packet),
		);
		const one = await start(url);
		await until(
			() => one.keptFor() === 60,
			() => String(one.keptFor()),
		);
	});

	test("reconnects to a broker that falls silent on an open connection", async () => {
		const mute: Answer = (kind, reply) => kind === "CONNECT" && reply(...connack);
		const { seen, url } = await broker((n) => (n === 1 ? mute : well));
		const one = await start(url, undefined, "5", [], { ...soon, deadline: patience });
		await shows(seen, "1 PINGREQ");
		await shows(seen, "2 CONNECT");
		await until(
			() => one.status().up,
			() => "not up",
		);
	});

	// The broker answers from this thread, so a machine that stands still for the keep-alive breaks the connection.
	test("keeps the connection, and acknowledges nothing early, with a store that is slower than the keep-alive", {
		retry: 2,
	}, async () => {
		let release: () => void = () => undefined;
		const slow = new Promise<void>((resolve) => {
			release = resolve;
		});
		const { seen, url } = await broker(() => (kind, reply, packet) => {
			well(kind, reply, packet);
			if (kind === "CONNECT") for (const id of [1, 2, 3]) reply(...publish(id));
		});
		await start(url, () => slow, "5", [], { ...soon, deadline: patience });
		await until(
			() => seen.filter((one) => one === "1 PINGREQ").length >= 2,
			() => seen.join(", "),
		);
		expect(new Set(seen)).toEqual(new Set(["1 CONNECT", "1 PINGREQ"]));
		release();
		await until(
			() => seen.filter((one) => one === "1 PUBACK").length === 3,
			() => seen.join(", "),
		);
	});

	test("sends PUBREC for a QoS 2 message, which another program with our client_id subscribed to, only once it is on disk", async () => {
		const { seen, url } = await broker(() => (kind, reply, packet) => {
			well(kind, reply, packet);
			if (kind === "CONNECT") reply(0x34, ...publish(1).slice(1));
			if (kind === "PUBREC") reply(0x62, 2, 0, 1);
			if (kind === "PUBCOMP") reply(...publish(2));
		});
		const journal = Promise.withResolvers<void>();
		let taken = 0;
		await start(url, async () => {
			taken++;
			await journal.promise;
		});
		await until(
			() => taken === 1,
			() => "not taken",
		);
		await sleep(200);
		expect(seen).toEqual(["1 CONNECT"]);
		journal.resolve();
		await shows(seen, "1 PUBACK");
		expect(seen.filter((one) => one.startsWith("1 PUB"))).toEqual(["1 PUBREC", "1 PUBCOMP", "1 PUBACK"]);
		expect(taken).toBe(2);
	});

	test("subscribes again when the broker lost the session, and over MQTT 3.1.1 not when it kept it", async () => {
		const { seen, url } = await broker((n) => (kind, reply, packet) => {
			// CONNACK with "session present" [MQTT-3.2.2-1 of 3.1.1]; SUBACK at QoS 1.
			if (kind === "CONNECT") reply(0x20, 2, n === 2 ? 1 : 0, 0);
			if (kind === "SUBSCRIBE") reply(0x90, 3, packet[2] ?? 0, packet[3] ?? 0, 1);
			if (kind === "PINGREQ") reply(...pingresp);
		});
		const breaks = () => {
			for (const socket of sockets) socket.destroy();
		};
		await start(url, undefined, "3.1.1", ["a/#"]);
		await shows(seen, "1 SUBSCRIBE");
		await sleep(100);
		breaks();
		await shows(seen, "2 CONNECT");
		await sleep(200);
		breaks();
		await shows(seen, "3 SUBSCRIBE");
		expect(seen).not.toContain("2 SUBSCRIBE");
	});

	test.each([
		["within ten seconds of a publication counts as its echo over MQTT 3.1.1, once", "t", 9_000, ["2"]],
		["later is a value of a thing", "t", 11_000, ["1", "2"]],
		[
			"of a topic without a subscription has no echo, so an equal value is of a thing",
			"u",
			9_000,
			["1", "2"],
		],
	] as const)("an equal value %s", async (_, topic, after, wanted) => {
		const taken: string[] = [];
		const { seen, url } = await broker(() => (kind, reply, packet) => {
			if (kind === "CONNECT") reply(0x20, 2, 0, 0);
			if (kind === "SUBSCRIBE") reply(0x90, 3, packet[2] ?? 0, packet[3] ?? 0, 1);
			if (kind === "PUBLISH") reply(0x40, 2, packet[5] ?? 0, packet[6] ?? 0);
			if (kind === "PINGREQ") reply(...pingresp);
		});
		const take = async (batch: readonly { packetId: number | undefined }[]) =>
			void taken.push(...batch.map(({ packetId }) => String(packetId)));
		const session = await start(url, take as () => Promise<void>, "3.1.1", ["t"]);
		await shows(seen, "1 SUBSCRIBE");
		await until(
			() => session.status().up,
			() => "not up",
		);
		await session.publish(topic, "v");
		vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + after });
		try {
			// Without a property length, as MQTT 3.1.1 has it.
			for (const id of [1, 2])
				for (const socket of sockets) socket.write(Buffer.from([0x32, 6, 0, 1, 0x74, 0, id, 0x76]));
			await shows(taken, "2");
			expect(taken).toEqual(wanted);
		} finally {
			vi.useRealTimers();
		}
	});

	test("reconnects for a message that could not be stored, and acknowledges it only once it is on disk", async () => {
		const { seen, url } = await broker(() => (kind, reply, packet) => {
			well(kind, reply, packet);
			if (kind === "CONNECT") reply(...publish(1));
		});
		let failures = 0;
		await start(url, async () => {
			if (failures++ < 1) throw new Error("not now");
		});
		await shows(seen, "2 PUBACK");
		expect(seen).not.toContain("1 PUBACK");
	});

	/** A QoS 1 PUBLISH to "t" with a payload of `size` bytes. MQTT 5 §3.3; 3.1.1 has no byte for properties. */
	function large(id: number, size: number): Buffer {
		const body = Buffer.concat([Buffer.from([0, 1, 0x74, 0, id]), Buffer.alloc(size, 0x76)]);
		const length: number[] = [];
		for (let rest = body.length; rest > 0; rest = Math.floor(rest / 128))
			length.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
		return Buffer.concat([Buffer.from([0x32, ...length]), body]);
	}
	/** A broker of MQTT 3.1.1 that sends 60 messages of a megabyte at QoS 1, and counts those that went on their way. */
	async function floodingBroker() {
		const sent = { count: 0 };
		const messages = Array.from({ length: 60 }, (_, n) => large(n + 1, 1_000_000));
		const { seen, url } = await broker(() => (kind, reply) => {
			if (kind === "PINGREQ") reply(...pingresp);
			if (kind !== "CONNECT") return;
			reply(0x20, 2, 0, 0);
			const socket = [...sockets].at(-1);
			const next = () =>
				messages.length > 0 &&
				socket?.write(messages.shift() as Buffer, () => {
					sent.count++;
					next();
				});
			next();
		});
		return { seen, url, sent };
	}

	test("reads QoS 1 over MQTT 3.1.1 no further than 8 MiB ahead of a slow store, and takes every message", async () => {
		const { seen, url, sent } = await floodingBroker();
		const store = Promise.withResolvers<void>();
		await start(url, () => store.promise, "3.1.1");
		await until(
			() => sent.count >= 8,
			() => `${sent.count}`,
		);
		for (let before = 0; before < sent.count; ) {
			before = sent.count;
			await sleep(500);
		}
		// The kernel holds some MiB of a connection.
		expect(sent.count).toBeLessThan(30);
		expect(seen).not.toContain("1 PUBACK");
		store.resolve();
		const acknowledged = () => seen.filter((one) => one === "1 PUBACK").length;
		await until(
			() => acknowledged() === 60,
			() => `${acknowledged()}`,
		);
	});

	test("takes all values that the broker sends before it ends a connection that the bridge has closed", async () => {
		const { url } = await broker(() => (kind, reply) => {
			well(kind, reply, Buffer.alloc(0));
			if (kind !== "DISCONNECT") return;
			// In one piece, so that the end of the connection comes while the inbox is full and many wait to be handled.
			const first = Array.from({ length: 1_001 }, (_, n) => [0x32, 6, 0, 1, 0x74, n >> 8, n & 0xff, 0]);
			const behind = Array.from({ length: 300 }, () => [0x30, 4, 0, 1, 0x74, 0]);
			reply(...[...first, ...behind].flat());
			for (const socket of sockets) socket.end();
		});
		const taken = { first: 0, behind: 0 };
		const one = await start(url, async (batch) => {
			await sleep(50);
			for (const { qos } of batch) taken[qos === 0 ? "behind" : "first"]++;
		});
		await until(
			() => one.status().up,
			() => "not up",
		);
		await one.stop();
		expect(taken).toEqual({ first: 1_001, behind: 300 });
	});

	test("reads the first bytes of a value above max_packet_size, and its size", async () => {
		const packet = Buffer.concat([
			Buffer.from([0x32, 0x86, 0x10, 0, 1, 0x74, 0, 5, 0]),
			Buffer.alloc(2_048, 65),
		]);
		const { url } = await broker(() => (kind, reply) => {
			if (kind === "CONNECT") reply(...connack, ...packet);
			if (kind === "PINGREQ") reply(...pingresp);
		});
		const taken: Arrival[] = [];
		await start(url, async (batch) => void taken.push(...batch), "5", [], undefined, {
			maxPacketSize: 1_500,
		});
		await until(
			() => taken.length === 1,
			() => `${taken.length} messages`,
		);
		expect(taken).toMatchObject([{ payload: { length: 16 }, tooLarge: { bytes: 2_048, largest: 1_500 } }]);
	});

	test("reconnects when the broker announces a packet of 200 MB, before the packet is sent", async () => {
		const { seen, url } = await broker((n) => (kind, reply) => {
			if (kind === "CONNECT") reply(...connack);
			if (kind === "PINGREQ") reply(...pingresp);
			// MQTT 5 §1.5.5: a length of 200,000,000.
			if (kind === "CONNECT" && n === 1) reply(0x32, 0x80, 0x84, 0xaf, 0x5f);
		});
		const one = await start(url);
		await shows(seen, "2 CONNECT");
		await until(
			() => one.status().up,
			() => "not up",
		);
	});
});
