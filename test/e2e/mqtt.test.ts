import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { connectAsync } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { CommandCall } from "../../src/core/command.ts";
import type { Message, State } from "../../src/core/event.ts";
import type { LinkId, MessageId, NetworkName, PortalId, RoomId } from "../../src/core/ids.ts";
import type { Link, Mapping, Portal } from "../../src/core/mapping.ts";
import type { Bridge, Network } from "../../src/core/network.ts";
import type { Conditions } from "../../src/mqtt/changes.ts";
import type { BrokerOptions } from "../../src/mqtt/connection.ts";
import { createMqtt, keepsOf, type MqttOptions, mirrorsOf } from "../../src/mqtt/index.ts";
import { shapeText } from "../../src/mqtt/shape.ts";
import { roomOf } from "../../src/mqtt/topics.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { createNedbMapping } from "../../src/store/nedb.ts";
import { createReadings } from "../../src/store/readings.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { fakeNetwork, lines, quiet, until } from "../fakes.ts";
import { type MqttAccount, startTestbed, type Testbed } from "../testbed/index.ts";
import { MqttClient } from "../testbed/mqtt-client.ts";
import { startWire } from "../testbed/wire.ts";
import { png } from "./png.ts";

let bed: Testbed;
let thing: MqttClient;
let account: MqttAccount;
const running: Network[] = [];

/** A port on which the broker asks for a certificate of the client. */
let certified: number;

beforeAll(async () => {
	certified = await freePort();
	const certs = "cafile /srv/certs/ca.crt\ncertfile /srv/certs/mqtt.crt\nkeyfile /srv/certs/mqtt.key";
	const asking = `listener ${certified} 127.0.0.1\n${certs}\nrequire_certificate true`;
	bed = await startTestbed({
		servers: [],
		mosquitto: { extra: `acl_file /tb/mosquitto/acl\nmax_queued_messages 10000\n${asking}` },
	});
	// Each user may do everything, except for the topics that are denied to the bridge.
	const acl = "user bridge\ntopic deny secret/#\ntopic readwrite #\n\nuser thing\ntopic readwrite #\n";
	mkdirSync(join(bed.folder, "mosquitto"), { recursive: true });
	writeFileSync(join(bed.folder, "mosquitto/acl"), acl);
	bed.mqttUser("bridge");
	account = bed.mqttUser("thing");
	await bed.start("mosquitto");
	thing = await MqttClient.connect(account);
});
afterEach(async () => {
	for (const one of running.splice(0)) {
		await one.pause();
		await one.stop();
	}
});
afterAll(async () => {
	await thing?.close();
	await bed?.down();
});

/** Resolves with a port that nobody listens on. */
function freePort(): Promise<number> {
	const { promise, resolve } = Promise.withResolvers<number>();
	const server = createServer().listen(0, "127.0.0.1", () => {
		const { port } = server.address() as AddressInfo;
		server.close(() => resolve(port));
	});
	return promise;
}

let clients = 0;
/** Returns a broker's config with a session of its own. */
const broker = (over: Partial<BrokerOptions> = {}): BrokerOptions => ({
	url: bed.mqtt.url,
	username: "bridge",
	password: "pw-bridge",
	clientId: `trivium-${++clients}`,
	protocol: "5",
	...over,
});
/** Starts a bridge of the broker's network and a fake network, and waits until the broker is connected. */
async function besideChat(home: BrokerOptions, mapping: ReturnType<typeof createMemoryMapping>) {
	const network = createMqtt({ brokers: { home }, mirrors: [] }, { mapping, log: quiet });
	const chat = fakeNetwork("chat");
	const bridge = bridgeOf([chat, network], rulesFor({ "*": "admin" }), { mapping });
	await bridge.start();
	await until(
		() => network.status?.().up === true,
		() => String(network.status?.().cause),
	);
	return { network, chat, bridge };
}
/** Returns the link of a topic filter, or of a room with a shape. */
const link = (filter: string, on = "home"): Link => ({
	id: `link ${filter}` as LinkId,
	network: "mqtt" as Link["network"],
	role: "mirror",
	room: (filter.startsWith("{") ? filter : `${on}/${filter}`) as RoomId,
	in: true,
	out: false,
});
const portal = (of: Link): Portal => ({ id: `portal ${of.room}` as PortalId, links: [of] });

type Run = {
	network: Network;
	events: State[];
	values(): (string | null)[];
	mapping: Mapping;
	hold: () => () => void;
};

/** Connects the MQTT network with a real broker and a core that only records events. */
async function run(
	one: BrokerOptions,
	filters: readonly string[],
	mapping = createMemoryMapping(),
): Promise<Run> {
	const events: State[] = [];
	let gate = Promise.resolve();
	const bridge: Pick<Bridge, "receive" | "portal" | "cursor" | "cursors" | "saveCursor" | "allows"> = {
		async receive(batch) {
			for (const event of batch) {
				if (event.kind === "state") events.push(event);
				if (event.cursor) await mapping.saveSetting(event.cursor.key, event.cursor.value);
			}
			await gate;
		},
		cursor: mapping.setting,
		cursors: async () => [],
		saveCursor: async () => undefined,
		allows: () => true,
		portal: async () => undefined,
	};
	const options: MqttOptions = { brokers: { home: one }, mirrors: [] };
	const network = createMqtt(options, { mapping, log: quiet });
	running.push(network);
	await mapping.open();
	for (const filter of filters) await mapping.savePortal(portal(link(filter)));
	await network.start(bridge as Bridge);
	for (const filter of filters) await network.attach(portal(link(filter)), link(filter));
	await until(
		() => network.status?.().up === true,
		() => String(network.status?.().cause),
	);
	// The broker has handled all earlier packets when it answers this one.
	await call(network, `settled/${clients} x`);
	const hold = () => {
		const { promise, resolve } = Promise.withResolvers<void>();
		gate = promise;
		return resolve;
	};
	return { network, events, mapping, hold, values: () => events.map(({ value }) => value) };
}

/** Restarts the bridge within this process. */
async function stop(one: Run): Promise<void> {
	running.splice(running.indexOf(one.network), 1);
	await one.network.pause();
	await one.network.stop();
}

async function call(network: Network, args: string): Promise<string> {
	const pub = network.commands?.find(({ name }) => name === "pub");
	if (!pub) throw new Error("no pub");
	const ran = pub.run({ network: "matrix", room: "!r" } as unknown as CommandCall, args);
	return ran.then(String, String);
}

const sees = (one: Run, ...values: (string | null)[]) =>
	until(
		() => one.events.length >= values.length,
		() => JSON.stringify(one.values()),
		15_000,
	).then(() => expect(one.values()).toEqual(values));

/** Starts a bridge, and mirrors the first topic of its options into the room "plaza" as soon as the broker is there. */
async function beginMirror(
	bridge: ReturnType<typeof bridgeOf>,
	chat: ReturnType<typeof fakeNetwork>,
	network: Network,
	options: MqttOptions,
): Promise<void> {
	await bridge.start();
	const [topic] = mirrorsOf(options).map((one) => one.topic);
	await bridge.mirror(
		[{ here: chat.name, room: "plaza" as RoomId, there: network.name, topic: topic as RoomId }],
		true,
	);
	await until(
		() => network.status?.().up === true,
		() => String(network.status?.().cause),
	);
	await call(network, `settled/${clients} x`);
}

describe.each(["5", "3.1.1"] as const)("the MQTT network with MQTT %s", (protocol) => {
	const at = `v${protocol}`;

	test("shows a value as the state of its thing", async () => {
		const one = await run(broker({ protocol }), [`${at}/a/+/temperature`]);
		await thing.publish(`${at}/a/kitchen/temperature`, "21.5 °C");
		await sees(one, "21.5 °C");
		expect(one.events[0]).toMatchObject({
			room: `home/${at}/a/+/temperature`,
			sender: { name: "kitchen temperature", domain: "home" },
		});
	});

	test("shows a picture above 1 MiB, and of a larger value than max_packet_size its size", async () => {
		const one = await run(broker({ protocol, maxPacketSize: 1_200_000 }), [`${at}/camera`]);
		const picture = Buffer.alloc(1_100_000, 7);
		png(2).copy(picture);
		await thing.publish(`${at}/camera`, picture);
		await thing.publish(`${at}/camera`, Buffer.alloc(1_500_000, 7));
		const properties = { contentType: "application/pdf" };
		await thing.publish(`${at}/camera`, Buffer.from("%PDF\0"), { properties });
		const latin = { properties: { contentType: "text/plain; charset=iso-8859-1" } };
		await thing.publish(`${at}/camera`, Buffer.from("21 °C", "latin1"), latin);
		await thing.publish(`${at}/camera`, "still here");
		await sees(
			one,
			"a picture (image/png, 1100000 bytes)",
			"a value of 1.4 MiB, which is too large to be shown: the limit is 1.1 MiB. An admin of the bridge can raise “max_packet_size” of the broker",
			// MQTT 3.1.1 has no content type.
			protocol === "5" ? "a file (application/pdf, 5 bytes)" : "5 bytes, no text (25 50 44 46 00…)",
			protocol === "5" ? "21 °C" : "5 bytes, no text (32 31 20 b0 43…)",
			"still here",
		);
		expect(one.events[0]?.media).toMatchObject({ kind: "image", mime: "image/png", size: 1_100_000 });
	});

	test("shows a retained value once, also after a restart, and misses no value in between", async () => {
		await thing.publish(`${at}/b/door`, "open", { retain: true });
		const one = await run(broker({ protocol, clientId: `b-${at}` }), [`${at}/b/#`]);
		await sees(one, "open");
		await stop(one);
		for (let i = 0; i < 20; i++) await thing.publish(`${at}/b/count`, String(i % 3));
		const two = await run(broker({ protocol, clientId: `b-${at}` }), [`${at}/b/#`], one.mapping);
		await sees(two, ...Array.from({ length: 20 }, (_, i) => String(i % 3)));
		// A room that skips it begins with the next value.
		const skipping = roomOf("home", `${at}/b/#`, shapeText({ retained: "skip" }));
		const three = await run(broker({ protocol }), [skipping]);
		await thing.publish(`${at}/b/bell`, "rings");
		await sees(three, "rings");
		await sees(two, ...Array.from({ length: 20 }, (_, i) => String(i % 3)), "rings");
		const ids = new Set([...one.events, ...two.events].map(({ id }) => id));
		expect(ids.size).toBe(22);
		await thing.publish(`${at}/b/door`, "", { retain: true });
		await until(
			() => two.values().at(-1) === null,
			() => JSON.stringify(two.values()),
		);
	});

	test("shows a value once in a room with overlapping filters, of the config and by command, and once in each other room", async () => {
		const { network, chat, bridge } = await besideChat(broker({ protocol }), createMemoryMapping());
		const mirrors = [
			["climate", `${at}/over/+/temperature`],
			["climate", `${at}/over/#`],
			["all", `${at}/over/#`],
		].map(([room, topic]) => ({
			here: chat.name,
			room: room as RoomId,
			there: network.name,
			topic: `home/${topic}` as RoomId,
		}));
		await bridge.mirror(mirrors, true);
		const exact = `${at}/over/kitchen/temperature`;
		const typed = (text: string) => command(bridge, chat, text, { room: "climate" });
		expect(await typed(`link mqtt ${exact}`)).toContain(`This room shows what comes from ${exact}`);
		for (const value of ["20 °C", "21 °C", "21 °C"]) await thing.publish(exact, value);
		await thing.publish(`${at}/over/hall/temperature`, "15 °C");
		await thing.publish(`${at}/over/door`, "open");
		expect(await typed(`pub ${exact} 30`)).toContain("Published");
		expect(await typed(`unlink mqtt ${exact}`)).toContain("no longer shows what comes from");
		await thing.publish(exact, "22 °C");
		await thing.publish(`${at}/over/door`, "the end");
		const shown = (room: string) =>
			chat.sent
				.filter((one) => one.room === room)
				.map(({ event }) => (event.kind === "message" ? event.text : event.kind))
				.sort();
		await until(
			() => ["climate", "all"].every((room) => shown(room).includes("over door: the end")),
			() => JSON.stringify(chat.sent.map(({ event }) => event)),
		);
		await bridge.stop(5_000);
		const each = [
			...["20", "21", "21", "22"].map((value) => `kitchen temperature: ${value} °C`),
			"hall temperature: 15 °C",
			"over door: open",
			"over door: the end",
		].sort();
		expect(shown("climate")).toEqual(each);
		expect(shown("all")).toEqual(each);
	});

	test("shows the value within a JSON payload, shaped and by its conditions, and the whole payload in a room without a shape", async () => {
		const mapping = createMemoryMapping();
		const filter = `${at}/shape/+`;
		const shape = {
			value: "/temperature",
			template: "{{topic.3}} has {{value | round 1}} °C",
			only: { changed: true, deadband: 0.5 },
		};
		const settled = { matches: "^2", debounce: 0.3 };
		const options: MqttOptions = {
			brokers: { home: broker({ protocol }) },
			mirrors: [
				{ broker: "home", topic: filter, room: "shaped", ...shape },
				{ broker: "home", topic: filter, room: "whole" },
				{ broker: "home", topic: filter, room: "settled", value: "/temperature", only: settled },
			],
		};
		const filtered: string[] = [];
		const meter = {
			filtered: (_: unknown, reason: string) => void filtered.push(reason),
			merged: () => undefined,
		};
		const network = createMqtt(options, { mapping, log: quiet, meter });
		const chat = fakeNetwork("chat");
		const bridge = bridgeOf([chat, network], rulesFor({ "*": "admin" }), { mapping });
		await bridge.start();
		await until(
			() => network.status?.().up === true,
			() => String(network.status?.().cause),
		);
		const mirrors = mirrorsOf(options).map(({ room, topic }) => ({
			here: chat.name,
			room: room as RoomId,
			there: network.name,
			topic,
		}));
		await bridge.mirror(mirrors, true);
		// The same filter by command: the room goes on to show each value once, by its shape.
		const linked = await command(bridge, chat, `link mqtt ${filter}`, { room: "shaped" });
		expect(linked).toContain("This room shows what comes from");
		for (const temperature of [20, 20.2, 20.6, 20.6, 21.04])
			await thing.publish(`${at}/shape/kitchen`, JSON.stringify({ temperature, battery: 90 }));
		await thing.publish(`${at}/shape/hall`, '{"temperature":7}');
		const shown = (room: string) =>
			chat.sent
				.filter((one) => one.room === room)
				.map(({ event }) => (event.kind === "message" ? event.text : event.kind));
		await until(
			() =>
				["shaped", "whole"].every((room) => shown(room).some((line) => line.includes("hall"))) &&
				shown("settled").length > 0,
			() => JSON.stringify(chat.sent.map(({ event }) => event)),
		);
		await bridge.stop(5_000);
		const lines = ["kitchen has 20.0 °C", "kitchen has 20.6 °C", "hall has 7.0 °C"];
		expect(shown("shaped")).toEqual(lines.map((line) => expect.stringContaining(line)));
		expect(shown("whole")).toHaveLength(6);
		expect(shown("whole")[0]).toContain('{"temperature":20,"battery":90}');
		expect(shown("settled")).toEqual([expect.stringContaining("21.04")]);
		const each = [
			"changed",
			"deadband",
			"deadband",
			"debounce",
			"debounce",
			"debounce",
			"debounce",
			"matches",
		];
		expect(filtered.sort()).toEqual(each);
	});

	test("gives each device a room of its own, at most so many, also after a restart", async () => {
		const mapping = createMemoryMapping();
		const options: MqttOptions = {
			brokers: { home: broker({ protocol }) },
			mirrors: [],
			making: [
				{
					broker: "home",
					topic: `${at}/own/#`,
					room: "own_{{topic.3}}",
					rooms: 2,
					invite: ["@a:hs"],
					shape: {},
				},
			],
		};
		const journal = createMemoryJournal();
		const chat = fakeNetwork("chat");
		async function begin() {
			const network = createMqtt(options, { mapping, log: quiet, roomsOn: chat.name });
			const bridge = bridgeOf([chat, network], rulesFor({ "*": "admin" }), { mapping, journal });
			await bridge.start();
			await until(
				() => network.status().up,
				() => String(network.status().cause),
			);
			return bridge;
		}
		const shown = () => chat.sent.map(({ room, event }) => [room, (event as Message).text]);
		const shows = (count: number) =>
			until(
				() => chat.sent.length >= count,
				() => JSON.stringify(shown()),
			);
		const first = await begin();
		for (const thing_ of ["kitchen/t", "kitchen/h", "hall/t", "attic/t"])
			await thing.publish(`${at}/own/${thing_}`, "20");
		await shows(4);
		await first.mirror([], true, keepsOf(options));
		await first.stop(5_000);
		const second = await begin();
		await thing.publish(`${at}/own/hall/t`, "21");
		await thing.publish(`${at}/own/cellar/t`, "9");
		await shows(6);
		await second.stop(5_000);
		expect(shown().sort()).toEqual([
			["mqtt-own_+", "attic t: 20"],
			["mqtt-own_+", "cellar t: 9"],
			["mqtt-own_hall", "hall t: 20"],
			["mqtt-own_hall", "hall t: 21"],
			["mqtt-own_kitchen", "kitchen h: 20"],
			["mqtt-own_kitchen", "kitchen t: 20"],
		]);
	});

	test("names a device as it announces itself, shows whether it is there, and knows its value after a restart", async () => {
		const folder = mkdtempSync(join(tmpdir(), "trivium-things-"));
		const mapping = createMemoryMapping();
		const journal = createMemoryJournal();
		const present: string[] = [];
		const chat = fakeNetwork("chat", {
			signal: async ({ signal }) =>
				void present.push(`${signal.sender.name} ${signal.kind === "presence" && signal.show}`),
		});
		const one = broker({ protocol, discovery: `${at}/ha` });
		const mirror = { here: chat.name, room: "den" as RoomId, there: "mqtt" as NetworkName };
		async function begin() {
			const readings = createReadings(folder, quiet);
			readings.open();
			const options = { brokers: { home: one }, mirrors: [] };
			const network = createMqtt(options, { mapping, log: quiet, readings });
			const bridge = bridgeOf([chat, network], rulesFor({ "*": "admin" }), { mapping, journal });
			await bridge.start();
			await until(
				() => network.status().up,
				() => String(network.status().cause),
			);
			await bridge.mirror([{ ...mirror, topic: `home/${at}/z/+` as RoomId }], true);
			return { bridge, stop: () => bridge.stop(5_000).then(readings.close) };
		}
		const lamp = {
			"~": `${at}/z/den`,
			stat_t: "~",
			avty_t: "~/here",
			val_tpl: "{{ value_json.t | round(1) }}",
			unit_of_meas: "°C",
			dev: { ids: "1", name: "The den" },
		};
		await thing.publish(`${at}/ha/sensor/den/config`, JSON.stringify(lamp), { retain: true });
		await thing.publish(`${at}/z/den/here`, "online", { retain: true });
		const before = await begin();
		await thing.publish(`${at}/z/den`, '{"t":20.04}');
		const shows = (expected: readonly string[]) =>
			until(
				() => lines(chat).join() === expected.join(),
				() => lines(chat).join(),
			);
		const tells = (expected: readonly string[]) =>
			until(
				() => present.join() === expected.join(),
				() => present.join(),
			);
		await shows(["The den: The den: 20.0 °C"]);
		await tells(["The den online"]);
		await before.stop();
		const after = await begin();
		expect(await command(after.bridge, chat, "get the den", { room: "den" })).toContain("20.0 °C");
		const drawn = await command(after.bridge, chat, `chart ${at}/z/den 1h`, { room: "den" });
		expect(drawn).toBe("The den, the last 1h: 1 value.");
		await thing.publish(`${at}/z/den/here`, "offline", { retain: true });
		await thing.publish(`${at}/z/den`, '{"t":19}');
		await shows(["The den: The den: 20.0 °C", "The den: The den: 19.0 °C"]);
		await tells(["The den online", "The den offline"]);
		await thing.publish(`${at}/ha/sensor/den/config`, "", { retain: true });
		await thing.publish(`${at}/z/den`, '{"t":18}');
		await until(
			() => lines(chat).some((line) => line.endsWith('z den: {"t":18}')),
			() => lines(chat).join(),
		);
		await after.stop();
		rmSync(folder, { recursive: true });
	});

	test("publishes a reply and a reaction to the message of a thing, of those who may, and shows the broker's answer", async () => {
		const mapping = createMemoryMapping();
		const set = `${at}/answer/lamp/set`;
		const publish = {
			allow: ["ann@chat"],
			topics: [`${at}/answer/+/set`, "secret/#"],
			command: "{{topic.1}}/answer/{{topic.3}}/set",
			reactions: { "💡": { topic: set, payload: "ON" }, "🔒": { topic: "secret/lamp", payload: "ON" } },
		};
		const bulb = {
			...{
				schema: "json",
				brightness: true,
				brightness_scale: 254,
				name: null,
				device: { ids: "1", name: "Bulb" },
			},
			...{ state_topic: `${at}/bulbs/one`, command_topic: `${at}/bulbs/one/set` },
		};
		await thing.publish(`${at}/bulb-ha/light/one/config`, JSON.stringify(bulb), { retain: true });
		const bulbs = { allow: ["ann@chat"], topics: [`${at}/bulbs/+/set`] };
		const options: MqttOptions = {
			brokers: { home: broker({ protocol, discovery: `${at}/bulb-ha` }) },
			mirrors: [
				{ broker: "home", topic: `${at}/answer/+/state`, room: "plaza", show: "both", publish },
				{ broker: "home", topic: `${at}/bulbs/+`, room: "plaza", publish: bulbs },
			],
		};
		const network = createMqtt(options, { mapping, log: quiet });
		const chat = fakeNetwork("chat");
		const bridge = bridgeOf([chat, network], rulesFor({ "*": "use" }), { mapping });
		await bridge.start();
		const plaza = { here: chat.name, room: "plaza" as RoomId, there: network.name };
		await bridge.mirror(
			mirrorsOf(options).map(({ topic }) => ({ ...plaza, topic })),
			true,
		);
		await until(
			() => network.status?.().up === true,
			() => String(network.status?.().cause),
		);
		await call(network, `settled/${clients} x`);
		await thing.subscribe(set);
		await thing.subscribe(`${at}/bulbs/one/set`);
		// It is retained, since the subscription may come after it.
		await thing.publish(`${at}/answer/lamp/state`, "off", { retain: true });
		const shows = (text: string) =>
			until(
				() => lines(chat).some((line) => line.includes(text)),
				() => lines(chat).join(" | "),
			);
		await shows("lamp state: off");
		const shown = `chat:${chat.sent[0]?.operation}` as MessageId;
		const replyTo = { id: shown };
		await chat.say("plaza", "ann", "a line to nobody");
		await chat.say("plaza", "ann", "on", { replyTo });
		await thing.waitForMessage(set, "on");
		await shows(`Published to ${set}.`);
		const base = { room: "plaza" as RoomId, sender: chat.person("ann"), at: Date.now(), target: replyTo };
		const react = (id: string, emoji: string) =>
			chat.bridge.receive([{ ...base, kind: "reaction", id: id as MessageId, mode: "add", emoji: [emoji] }]);
		await react("r1", "💡");
		await thing.waitForMessage(set, "ON");
		await react("r2", "👍");
		await chat.say("plaza", "eve", "off", { replyTo });
		const refused = (who: string, why: RegExp) =>
			until(
				() => chat.refused.some(({ event, sentence }) => event.sender.name === who && why.test(sentence)),
				() => JSON.stringify(chat.refused.map(({ sentence }) => sentence)),
			);
		await refused("eve", /you may not publish from this room/);
		// MQTT 3.1.1 has no reason codes in a PUBACK.
		if (protocol === "5") {
			await react("r3", "🔒");
			await refused("ann", /the broker refused it: we are not authorised/);
		}
		await thing.publish(`${at}/bulbs/one`, '{"state":"ON","brightness":254,"color_mode":"xy"}');
		await shows("Bulb: ON, brightness 100 %");
		const lit = { id: `chat:${chat.sent.at(-1)?.operation}` as MessageId };
		await chat.say("plaza", "ann", "brightness 50", { replyTo: lit });
		await thing.waitForMessage(`${at}/bulbs/one/set`, '{"state":"ON","brightness":127}');
		await shows(`Bulb: Published to ${at}/bulbs/one/set.`);
		await bridge.stop(5_000);
		const taken = thing.inbox.items.filter((one) => one.topic === set).map(({ payload }) => String(payload));
		expect(taken).toEqual(["on", "ON"]);
	});

	test("publishes what a room says as JSON only where a feed is made, and two bridges send nothing round in a circle", async () => {
		/** A bridge whose room `mine` goes out below its name, and shows what the other bridge publishes. */
		const begin = async (mine: string, other: string) => {
			const mapping = createMemoryMapping();
			const options: MqttOptions = {
				brokers: { home: broker({ protocol }) },
				mirrors: [
					{
						...{ broker: "home", topic: `${at}/chat/${other}/#`, room: mine },
						template: "{{json.sender.name}} said {{json.text}}",
					},
				],
				feeds: [{ broker: "home", topic: `${at}/chat/${mine}`, room: mine, events: ["message", "edit"] }],
			};
			const network = createMqtt(options, { mapping, log: quiet });
			const chat = fakeNetwork("chat");
			const bridge = bridgeOf([chat, network], rulesFor({ "*": "use" }), { mapping });
			await bridge.start();
			const wanted = mirrorsOf(options).map(({ room, topic }) => ({
				...{ here: chat.name, room: room as RoomId, there: network.name, topic },
			}));
			await bridge.mirror(wanted, true);
			await until(
				() => network.status?.().up === true,
				() => String(network.status?.().cause),
			);
			await call(network, `settled/${clients} x`);
			return { chat, bridge };
		};
		const [one, two] = [await begin("one", "two"), await begin("two", "one")];
		await thing.subscribe(`${at}/chat/#`);
		await one.chat.say("one", "ann", "hello", { id: "m1" as MessageId });
		await one.chat.say("elsewhere", "ann", "a secret");
		const edit = { kind: "edit", style: "text", text: "hello!", target: { id: "m1" as MessageId } } as const;
		const base = { room: "one" as RoomId, sender: one.chat.person("ann"), at: Date.now() };
		await one.chat.bridge.receive([{ ...base, ...edit, id: "m2" as MessageId }]);
		await two.chat.say("two", "bob", "the end");
		const shows = ({ chat }: typeof one, text: string) =>
			until(
				() => lines(chat).some((line) => line.includes(text)),
				() => lines(chat).join(" | "),
			);
		await shows(two, "ann said hello!");
		await shows(one, "bob said the end");
		await thing.waitForMessage(`${at}/chat/two/message`);
		await Promise.all([one, two].map(({ bridge }) => bridge.stop(5_000)));
		const published = thing.inbox.items
			.filter(({ topic }) => topic.startsWith(`${at}/chat/`))
			.map(({ topic, payload }) => [
				topic,
				JSON.parse(payload) as { text: string; target?: string; id: string },
			]);
		expect(
			published.map(([topic, record]) => `${topic} ${(record as { text: string }).text}`).sort(),
		).toEqual([
			`${at}/chat/one/edit hello!`,
			`${at}/chat/one/message hello`,
			`${at}/chat/two/message the end`,
		]);
		expect(lines(one.chat)).toHaveLength(1);
		expect(lines(two.chat)).toHaveLength(2);
	});

	test("shows each value once around a dozen stops: all of QoS 1, and those of QoS 0 that the broker has sent", async () => {
		let heard = "";
		const wire = await startWire((text) => {
			heard += text;
		});
		wire.leadsTo(Number(new URL(bed.mqtt.url).port));
		const url = `mqtt://127.0.0.1:${wire.port}`;
		const mapping = createMemoryMapping();
		const begin = () => run(broker({ protocol, url, clientId: `stops-${at}` }), [`${at}/stops`], mapping);
		let one = await begin();
		const [all, sent]: [State[], string[][]] = [[], [[], []]];
		let publishing = true;
		const publisher = (async () => {
			for (let n = 0; publishing; n++) {
				for (const qos of [0, 1] as const) {
					await thing.publish(`${at}/stops`, `q${qos} ${n};`, { qos });
					sent[qos]?.push(`q${qos} ${n};`);
				}
				await sleep(n % 4);
			}
		})();
		for (let stops = 0; stops < 12; stops++) {
			await sleep(20 + stops * 3);
			await stop(one);
			all.push(...one.events);
			one = await begin();
		}
		publishing = false;
		await publisher;
		await thing.publish(`${at}/stops`, "q1 end");
		await until(
			() => one.values().includes("q1 end"),
			() => JSON.stringify(one.values()),
		);
		const shown = [...new Map([...all, ...one.events].map(({ id, value }) => [id, value])).values()];
		const of = (qos: string) => shown.filter((value) => value?.startsWith(qos));
		expect(of("q1")).toEqual([...(sent[1] ?? []), "q1 end"]);
		expect(of("q0")).toEqual(sent[0]?.filter((value) => heard.includes(value)));
		expect(of("q0").length).toBeGreaterThan(100);
		wire.close();
	});

	test("does not show its own publications", async () => {
		const one = await run(broker({ protocol }), [`${at}/c/#`]);
		expect(await call(one.network, `${at}/c/lamp on`)).toMatch(/^Published to/);
		await thing.publish(`${at}/c/lamp`, "off");
		await thing.publish(`${at}/c/lamp`, "on");
		await sees(one, "off", "on");
	});

	test("shows a QoS 2 message once, because the subscription has QoS 1", async () => {
		const one = await run(broker({ protocol }), [`${at}/q/#`]);
		for (const text of ["1", "2", "3"]) await thing.publish(`${at}/q/x`, text, { qos: 2 });
		await sees(one, "1", "2", "3");
	});

	test("shows the QoS 2 messages that another program left in the session once, in order, and continues behind them", async () => {
		const mine = broker({ protocol });
		const left = await MqttClient.connect(
			{ url: bed.mqtt.url, username: "bridge", password: "pw-bridge" } as MqttAccount,
			{
				clientId: mine.clientId,
				clean: false,
				...(protocol === "5"
					? { properties: { sessionExpiryInterval: 3_600 } }
					: { protocolVersion: 4 as const }),
			},
		);
		await left.subscribe(`${at}/left/#`, 2);
		await left.subscribe(`${at}/nobodys/#`, 2);
		await left.close();
		const values = Array.from({ length: 150 }, (_, n) => `${n}`);
		for (const text of values) {
			await thing.publish(`${at}/left/x`, text, { qos: 2 });
			await thing.publish(`${at}/nobodys/x`, text, { qos: 2 });
		}
		const one = await run(mine, [`${at}/left/#`]);
		await thing.publish(`${at}/left/x`, "after", { qos: 2 });
		await sees(one, ...values, "after");
		await stop(one);
		// The broker keeps no message that it would send again.
		const two = await run(mine, [`${at}/left/#`], one.mapping);
		await thing.publish(`${at}/left/x`, "later");
		await sees(two, "later");
	});

	test("loses no value over a restart of the broker, and reconnects by itself", async () => {
		const one = await run(broker({ protocol }), [`${at}/d/#`]);
		await thing.publish(`${at}/d/x`, "before");
		await sees(one, "before");
		await thing.close();
		await bed.restart("mosquitto");
		thing = await MqttClient.connect(account);
		await thing.publish(`${at}/d/x`, "after");
		await sees(one, "before", "after");
	});

	test("shows the value that a thing repeats to a broker without its memory, unless it is the last one shown", async () => {
		const mapping = createMemoryMapping();
		const options: MqttOptions = { brokers: { home: broker({ protocol }) }, mirrors: [] };
		const mqtt = createMqtt(options, { mapping, log: quiet });
		const earth = fakeNetwork("earth");
		const bridge = bridgeOf([mqtt, earth], rulesFor({ "*": "use" }), { mapping });
		const there = { ...link("other"), network: earth.name, room: "plaza" as RoomId, out: true };
		await mapping.savePortal({ id: "p" as PortalId, links: [link(`${at}/m/#`), there] });
		await bridge.start();
		const isUp = () => mqtt.status().up;
		const broken = () => String(mqtt.status().cause);
		await until(isUp, broken);
		/** Restarts the broker, which has lost all sessions and retained values; the thing is back before the bridge. */
		async function forgets(repeated: string): Promise<void> {
			await thing.close();
			await bed.kill("mosquitto");
			await until(() => !isUp(), broken);
			rmSync(join(bed.folder, "mosquitto/data/mosquitto.db"), { force: true });
			await bed.start("mosquitto");
			thing = await MqttClient.connect(account);
			await thing.publish(`${at}/m/lamp`, repeated, { retain: true });
			await until(isUp, broken, 15_000);
		}
		const shown = () => lines(earth).map((line) => line.slice(line.lastIndexOf(" ") + 1));
		const shows = (...values: string[]) =>
			until(
				() => shown().length >= values.length,
				() => shown().join(),
				15_000,
			).then(() => expect(shown()).toEqual(values));
		await thing.publish(`${at}/m/lamp`, "online", { retain: true });
		await thing.publish(`${at}/m/lamp`, "offline", { retain: true });
		await shows("online", "offline");
		await forgets("online");
		await shows("online", "offline", "online");
		await forgets("online");
		await thing.publish(`${at}/m/lamp`, "end");
		await shows("online", "offline", "online", "end");
		await bridge.stop(1_000);
	});

	test("receives a value again under the same id when the connection broke before the commit", async () => {
		const one = await run(broker({ protocol }), [`${at}/e/#`]);
		const release = one.hold();
		await thing.publish(`${at}/e/x`, "1");
		await until(
			() => one.events.length === 1,
			() => "no value arrived",
		);
		// A waiting value must not block the reading of the next ones.
		await thing.publish(`${at}/e/x`, "2");
		await sleep(100);
		await thing.close();
		await bed.restart("mosquitto");
		release();
		thing = await MqttClient.connect(account);
		// One reading was live, one was the redelivery.
		await until(
			() => ["1", "2"].every((text) => one.values().filter((value) => value === text).length >= 2),
			() => JSON.stringify(one.values()),
			15_000,
		);
		const distinct = new Map(one.events.map(({ id, value }) => [id, value]));
		expect([...distinct.values()]).toEqual(["1", "2"]);
	});
});

test("shows each value once in each of two overlapping mirrors, and none in a removed mirror", async () => {
	const one = await run(broker(), ["o/#", "o/+/x"]);
	await thing.publish("o/1/x", "both");
	await until(
		() => one.events.length >= 2,
		() => JSON.stringify(one.values()),
	);
	await sleep(200);
	expect(one.events.map(({ room }) => room).sort()).toEqual(["home/o/#", "home/o/+/x"]);
	await one.mapping.removePortal(portal(link("o/#")).id);
	await one.network.detach(portal(link("o/#")), link("o/#"));
	await thing.publish("o/2/x", "one");
	await thing.publish("o/2/y", "none");
	await thing.publish("o/3/x", "end");
	await until(
		() => one.values().includes("end"),
		() => JSON.stringify(one.values()),
	);
	expect(one.values()).toEqual(["both", "both", "one", "end"]);
});

test("a counting publisher is shown in full, in order, and its retained value last, though SIGKILL ends Mosquitto and the bridge", async () => {
	// Mosquitto writes what it keeps for clients each half hour, unless it is told to do so after each change.
	const extra = "autosave_on_changes true\nautosave_interval 1";
	const own = await startTestbed({ servers: [], mosquitto: { extra } });
	await own.start("mosquitto");
	const folder = mkdtempSync(join(tmpdir(), "trivium-mqtt-"));
	const options: MqttOptions = { brokers: { home: broker({ url: own.mqtt.url }) }, mirrors: [] };
	const mapping = createNedbMapping({ file: `${folder}/mapping.db`, log: quiet, onFailure: () => undefined });
	await mapping.open();
	await mapping.savePortal(portal(link("k/#")));
	await mapping.close();
	const begin = () =>
		spawn(process.execPath, ["test/e2e/mqtt-process.ts", JSON.stringify(options), folder], {
			stdio: "inherit",
		});
	const seen = () =>
		(existsSync(`${folder}/events`) ? readFileSync(`${folder}/events`, "utf8") : "")
			.split("\n")
			.flatMap((line) => line.split("\t", 1)[0]?.split(" ").at(-1) ?? []);
	let child = begin();
	const client = await connectAsync(own.mqtt.url, {
		...{ username: "bridge", password: "pw-bridge", clientId: "counter", clean: false, reconnectPeriod: 50 },
	});
	client.on("error", () => undefined);
	const publish = (value: string) => client.publishAsync("k/x", value, { qos: 1, retain: true });
	while (!seen().includes("hello")) await publish("hello").then(() => sleep(50));
	const wanted = Array.from({ length: 300 }, (_, i) => String(i));
	let published = 0;
	const publishing = (async () => {
		for (const value of wanted) {
			await publish(value).then(() => sleep(5));
			published++;
		}
	})();
	const after = (count: number) =>
		until(
			() => published >= count,
			() => `${published} published`,
			20_000,
		);
	await after(60);
	await own.kill("mosquitto");
	await own.start("mosquitto");
	await after(120);
	child.kill("SIGKILL");
	await after(180);
	child = begin();
	await after(240);
	await own.kill("mosquitto");
	await own.start("mosquitto");
	await publishing;
	await until(
		() => seen().includes("299"),
		() => seen().slice(-5).join(),
		20_000,
	);
	child.kill("SIGKILL");
	const numbers = seen().filter((value) => /^\d+$/.test(value));
	// A value that the broker had taken, but not acknowledged, comes twice from its publisher.
	expect([...new Set(numbers)]).toEqual(wanted);
	const reader = await MqttClient.connect({ ...own.mqtt, username: "bridge", password: "pw-bridge" });
	await reader.subscribe("k/x");
	expect((await reader.waitForMessage("k/x")).payload).toBe(numbers.at(-1));
	await Promise.all([reader.close(), client.endAsync(true)]);
	await own.down();
	rmSync(folder, { recursive: true });
});

test("shows a user property, and publishes a reply to the response topic of a value, with its correlation data, also after a restart", async () => {
	const publish = { allow: ["ann@chat"], topics: ["ask/answers/#"] };
	const options: MqttOptions = {
		brokers: { home: broker() },
		mirrors: [
			{
				...{ broker: "home", topic: "ask/question", room: "plaza", publish },
				template: "{{value}} asks {{property.who}}",
			},
		],
	};
	const mapping = createMemoryMapping();
	const journal = createMemoryJournal();
	const answers: [string, string][] = [];
	const asker = await MqttClient.connect(account);
	await asker.subscribe("ask/answers/7");
	asker.onPacket(({ payload, properties }) =>
		answers.push([String(payload), String(properties?.correlationData)]),
	);
	/** Runs the bridge, and has `work` done as soon as it is up. */
	async function runs(work: (chat: ReturnType<typeof fakeNetwork>) => Promise<void>): Promise<void> {
		const network = createMqtt(options, { mapping, log: quiet });
		const chat = fakeNetwork("chat");
		const bridge = bridgeOf([chat, network], rulesFor({ "*": "use" }), { mapping, journal });
		await beginMirror(bridge, chat, network, options);
		await work(chat);
		await bridge.stop(5_000);
	}
	let shown: MessageId | undefined;
	await runs(async (chat) => {
		const properties = {
			...{ responseTopic: "ask/answers/7", correlationData: Buffer.from("no. 7") },
			userProperties: { who: "Romeo" },
		};
		await thing.publish("ask/question", "who is there?", { properties });
		await until(
			() => chat.sent.length > 0,
			() => "no question",
		);
		expect(lines(chat)[0]).toContain("who is there? asks Romeo");
		shown = `chat:${chat.sent[0]?.operation}` as MessageId;
	});
	await runs(async (chat) => {
		await chat.say("plaza", "ann", "Juliet", { replyTo: { id: shown as MessageId } });
		await until(
			() => answers.length > 0,
			() => JSON.stringify(chat.refused.map(({ sentence }) => sentence)),
		);
	});
	expect(answers).toEqual([["Juliet", "no. 7"]]);
	await asker.close();
});

test("a mirror with a bound shows the crossing of a flood at once, one with a pattern its matches, and one with debounce the last value", async () => {
	const mirror = (topic: string, only: Conditions) => ({ broker: "home", topic, room: "hall", only });
	const options: MqttOptions = {
		brokers: { home: broker() },
		mirrors: [
			mirror("storm/+/level", { above: 1_000 }),
			{ ...mirror("storm/+/level", { min: 1_000 }), room: "cellar" },
			mirror("storm/+/door", { matches: "^open" }),
			mirror("storm/+/knob", { debounce: 1 }),
		],
	};
	let merged = 0;
	const meter = {
		filtered: () => undefined,
		merged(_: string, count = 1) {
			merged += count;
		},
	};
	const mapping = createMemoryMapping();
	const network = createMqtt(options, { mapping, log: quiet, meter });
	const chat = fakeNetwork("chat");
	const bridge = bridgeOf([chat, network], rulesFor({ "*": "use" }), { mapping });
	await bridge.start();
	await bridge.mirror(
		mirrorsOf(options).map(({ topic, room }) => ({
			...{ here: chat.name, room: room as RoomId, there: network.name, topic },
		})),
		true,
	);
	await until(
		() => network.status?.().up === true,
		() => String(network.status?.().cause),
	);
	await call(network, `settled/${clients} x`);
	const all = (kind: string, value: string, options: { qos: 0 | 1 }) =>
		Promise.all(["a", "b", "c"].map((one) => thing.publish(`storm/${one}/${kind}`, value, options)));
	const round = (n: number, qos: 0 | 1) =>
		Promise.all([
			all("level", String(n), { qos }),
			all("door", `closed ${n}`, { qos }),
			all("knob", String(n), { qos }),
		]);
	for (let n = 0; n < 400; n++) await round(n, 0);
	await all("level", "2000", { qos: 1 });
	await all("door", "open wide", { qos: 1 });
	for (let n = 400; n < 700; n++) await round(n, n % 10 === 0 ? 1 : 0);
	await all("knob", "the end", { qos: 1 });
	const texts = () => chat.sent.map(({ event }) => ("text" in event ? event.text : "")).sort();
	await until(
		() => texts().filter((text) => text.endsWith("the end")).length === 3,
		() => JSON.stringify(texts()),
		15_000,
	);
	await bridge.stop(5_000);
	expect(texts()).toEqual(
		["a", "b", "c"]
			.flatMap((one) => [
				...[`${one} door: open wide`, `${one} knob: the end`],
				// The mirror of a bound shows it, and so does that of a range in the other room.
				...[`${one} level: 2000`, `${one} level: 2000`],
			])
			.sort(),
	);
	expect(merged).toBeGreaterThan(3_000);
});

test("of a flood the room shows some values of each topic, and the last one last, and the rest is merged", async () => {
	const options: MqttOptions = {
		brokers: { home: broker() },
		mirrors: [{ broker: "home", topic: "flood/#", room: "plaza", show: "state" }],
	};
	let merged = 0;
	const meter = {
		filtered: () => undefined,
		merged(_: string, count = 1) {
			merged += count;
		},
	};
	const mapping = createMemoryMapping();
	const network = createMqtt(options, { mapping, log: quiet, meter });
	const chat = fakeNetwork("chat");
	const bridge = bridgeOf([chat, network], rulesFor({ "*": "use" }), { mapping });
	await beginMirror(bridge, chat, network, options);
	const topics = Array.from({ length: 20 }, (_, n) => `flood/t${n}`);
	for (let n = 0; n < 250; n++)
		await Promise.all(topics.map((one) => thing.publish(one, String(n), { qos: 0 })));
	// QoS 1 comes from the broker in its order, behind what it has not dropped of QoS 0.
	for (let n = 250; n < 300; n++) await Promise.all(topics.map((one) => thing.publish(one, String(n))));
	const last = () => {
		const texts = chat.sent.map(({ event }) => ("text" in event ? event.text.split(": ") : []));
		return new Map(texts.map(([name = "", value = ""]) => [name, value]));
	};
	await until(
		() => last().size === topics.length && [...last().values()].every((value) => value === "299"),
		() => JSON.stringify([...last()]),
		15_000,
	);
	await bridge.stop(5_000);
	expect(chat.sent.length).toBeLessThan(topics.length * 15);
	expect(merged + chat.sent.length).toBeGreaterThan(50 * topics.length);
	expect(merged + chat.sent.length).toBeLessThanOrEqual(300 * topics.length);
});

test("links a topic with options by command, shows them in the list, and keeps them over a restart", async () => {
	const mapping = createMemoryMapping();
	const begin = async () => {
		const { chat, bridge } = await besideChat(broker({ clientId: "by-command" }), mapping);
		return { chat, bridge, typed: (text: string) => command(bridge, chat, text, { room: "plaza" }) };
	};
	const shows = ({ chat }: Awaited<ReturnType<typeof begin>>, text: string) =>
		until(
			() => lines(chat).some((line) => line.includes(text)),
			() => lines(chat).join(" | "),
		);
	const first = await begin();
	const options = "value /t unit °C above 20";
	expect(await first.typed(`link mqtt typed/+ ${options}`)).toContain(
		"This room shows what comes from typed/+",
	);
	expect(await first.typed("link mqtt typed/+ show state")).toContain("already");
	for (const t of [19, 21]) await thing.publish("typed/oven", JSON.stringify({ t }));
	await shows(first, "typed oven: 21 °C");
	expect(lines(first.chat)).toHaveLength(1);
	expect(await first.typed("list")).toContain(`Shown here: typed/+ ${options}`);
	await first.bridge.stop(5_000);
	const second = await begin();
	await thing.publish("typed/fridge", JSON.stringify({ t: 22 }));
	await shows(second, "typed fridge: 22 °C");
	expect(await second.typed("unlink mqtt typed/+")).toContain("no longer shows what comes from");
	await second.bridge.stop(5_000);
});

test("reports whether a published topic has subscribers, and the reason of a refusal", async () => {
	const one = await run(broker(), []);
	expect(await call(one.network, "p/lamp on")).toBe("Published to p/lamp, but nobody is listening there.");
	await thing.subscribe("p/#");
	expect(await call(one.network, "p/lamp on now")).toBe("Published to p/lamp.");
	await thing.waitForMessage("p/lamp", "on now");
	expect(await call(one.network, "retain p/mode away")).toBe("Published to p/mode.");
	const later = await MqttClient.connect(account);
	await later.subscribe("p/mode");
	expect(await later.waitForMessage("p/mode", "away")).toMatchObject({ retain: true });
	expect(await call(one.network, "retain expires 3600 p/warning frost")).toBe("Published to p/warning.");
	const rest: (number | undefined)[] = [];
	later.onPacket(
		({ topic, properties }) => topic === "p/warning" && rest.push(properties?.messageExpiryInterval),
	);
	await later.subscribe("p/warning");
	await later.waitForMessage("p/warning", "frost");
	expect(rest[0]).toBeGreaterThan(3_000);
	await later.close();
	expect(await call(one.network, "qos 0 p/lamp off")).toMatch(/^Sent to p\/lamp at QoS 0/);
	expect(await thing.waitForMessage("p/lamp", "off")).toMatchObject({ qos: 0 });
	expect(await call(one.network, "secret/x on")).toMatch(/we are not authorised/);
	expect(await call(one.network, "p/+ on")).toMatch(/cannot be published to/);
	await thing.close();
	await bed.stop("mosquitto");
	expect(await call(one.network, "p/lamp on")).toMatch(/cannot be reached now|broke before it answered/);
	await bed.start("mosquitto");
	thing = await MqttClient.connect(account);
});

test("finds a room by a typed topic filter, and none by an invalid filter", async () => {
	const one = await run(broker(), []);
	const room = await one.network.findRoom(["a/+/b"]);
	expect(room).toEqual({ room: "home/a/+/b", name: "a/+/b" });
	await expect(one.network.findRoom(["a/#/b"])).rejects.toThrow(/not a topic filter/);
	await expect(one.network.findRoom(["$share/group/a"])).rejects.toThrow(
		/only some of the values of a shared/,
	);
});

test("retries a broker that refuses the login until it accepts", async () => {
	const network = createMqtt(
		{ brokers: { home: broker({ username: "late", password: "pw-late" }) }, mirrors: [] },
		{ mapping: createMemoryMapping(), log: quiet },
	);
	running.push(network);
	await network.start({ cursors: async () => [] } as unknown as Bridge);
	await until(
		() => /not authorised|password are wrong/.test(network.status?.().cause ?? ""),
		() => JSON.stringify(network.status?.()),
	);
	bed.mqttUser("late");
	await until(
		() => network.status?.().up === true,
		() => JSON.stringify(network.status?.()),
		15_000,
	);
});

test("connects by TLS with the broker's own certificate authority", async () => {
	const ca = readFileSync(bed.ca, "utf8");
	const one = await run(broker({ url: bed.mqtt.tlsUrl, ca }), ["tls/#"]);
	await thing.publish("tls/x", "sealed");
	await sees(one, "sealed");
});

test("offers a protocol by TLS, and names the server that the certificate is for", async () => {
	const [ca, cert, key] = ["ca.crt", "mqtt.crt", "mqtt.key"].map((name) =>
		readFileSync(`.testbed/root/srv/certs/${name}`, "utf8"),
	) as [string, string, string];
	const asked: unknown[] = [];
	const sockets = new Set<Socket>();
	// A front, as cloud brokers have one, before the real broker.
	const front = createTlsServer({ cert, key, ALPNProtocols: ["mqtt"] }, (socket) => {
		asked.push(socket.alpnProtocol, socket.servername);
		const behind = connectTcp(Number(new URL(bed.mqtt.url).port), "127.0.0.1");
		for (const one of [socket, behind]) sockets.add(one.on("error", () => undefined));
		socket.pipe(behind).pipe(socket);
	}).listen(0, "127.0.0.1");
	await once(front, "listening");
	const url = `mqtts://127.0.0.1:${(front.address() as AddressInfo).port}`;
	const one = await run(broker({ url, ca, alpn: ["mqtt"], serverName: "front.mqtt.test" }), ["fronted/#"]);
	await thing.publish("fronted/x", "1");
	await sees(one, "1");
	expect(asked).toEqual(["mqtt", "front.mqtt.test"]);
	await stop(one);
	for (const socket of sockets) socket.destroy();
	front.close();
});

test("the bridge shows its certificate to a broker that asks for one", async () => {
	const [ca, cert, key] = ["ca.crt", "hs.crt", "hs.key"].map((name) =>
		readFileSync(`.testbed/root/srv/certs/${name}`, "utf8"),
	) as [string, string, string];
	const url = `mqtts://127.0.0.1:${certified}`;
	const one = await run(broker({ url, ca, cert, key }), ["certified/#"]);
	await thing.publish("certified/x", "1");
	await until(
		() => one.values().includes("1"),
		() => String(one.values()),
	);
	const stranger = createMqtt(
		{ brokers: { home: broker({ url, ca }) }, mirrors: [] },
		{ mapping: createMemoryMapping(), log: quiet },
	);
	running.push(stranger);
	await stranger.start({ cursors: async () => [] } as unknown as Bridge);
	await until(
		() => /certificate/.test(stranger.status?.().cause ?? ""),
		() => JSON.stringify(stranger.status?.()),
	);
});

test("the bridge says on its status topic whether it runs, also after kill -9", async () => {
	const statusTopic = "bridge/status";
	await thing.subscribe(statusTopic);
	const says = async (value: string) => {
		await thing.waitForMessage(statusTopic, value, 20_000);
		thing.inbox.items.splice(0);
	};
	await thing.subscribe("ha/#");
	const one = await run(broker({ statusTopic, discovery: "ha" }), ["bridge/#", "ha/#"]);
	const { payload, topic } = await thing.waitFor("the announcement", (said) => said.topic.startsWith("ha/"));
	expect(topic).toMatch(/^ha\/binary_sensor\/[\w-]+\/config$/);
	expect(JSON.parse(payload)).toMatchObject({ state_topic: statusTopic, payload_off: "offline" });
	await says("online");
	await thing.publish("bridge/lamp", "on");
	await until(
		() => one.values().includes("on"),
		() => String(one.values()),
	);
	// Its own status and announcement are no news for a room.
	expect(one.values()).toEqual(["on"]);
	await stop(one);
	await says("offline");
	const folder = mkdtempSync(join(tmpdir(), "trivium-mqtt-"));
	const options: MqttOptions = { brokers: { home: broker({ statusTopic }) }, mirrors: [] };
	const child = spawn(process.execPath, ["test/e2e/mqtt-process.ts", JSON.stringify(options), folder]);
	await says("online");
	child.kill("SIGKILL");
	await says("offline");
	rmSync(folder, { recursive: true });
});

test("loses and repeats no value when kill -9 ends it several times within a stream", async () => {
	const folder = mkdtempSync(join(tmpdir(), "trivium-mqtt-"));
	const options: MqttOptions = { brokers: { home: broker() }, mirrors: [] };
	const mapping = createNedbMapping({ file: `${folder}/mapping.db`, log: quiet, onFailure: () => undefined });
	await mapping.open();
	await mapping.savePortal(portal(link("k/#")));
	await mapping.close();
	const begin = (): ChildProcess =>
		spawn(process.execPath, ["test/e2e/mqtt-process.ts", JSON.stringify(options), folder], {
			stdio: "inherit",
		});
	const seen = () =>
		(existsSync(`${folder}/events`) ? readFileSync(`${folder}/events`, "utf8") : "")
			.split("\n")
			.map((line) => line.split("\t", 1)[0] as string);

	let child = begin();
	// The subscription exists after this.
	for (let tries = 0; tries < 100 && !seen().some((line) => line.endsWith(" hello")); tries++) {
		await thing.publish("k/x", "hello");
		await sleep(50);
	}
	const wanted = Array.from({ length: 400 }, (_, i) => String(i));
	const publishing = (async () => {
		for (const value of wanted) await thing.publish("k/x", value).then(() => sleep(5));
	})();
	for (let kills = 0; kills < 3; kills++) {
		await sleep(700);
		child.kill("SIGKILL");
		await new Promise((resolve) => child.once("exit", resolve));
		child = begin();
	}
	await publishing;
	await until(
		() => seen().some((line) => line.endsWith(" 399")),
		() => String(seen().slice(-3)),
		20_000,
	);
	child.kill("SIGKILL");
	// The id of a value names its topic behind a space.
	const parts = (line: string) =>
		[line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)] as const;
	const named = new Map(seen().map(parts));
	expect([...named.values()].filter((value) => /^\d+$/.test(value))).toEqual(wanted);
	rmSync(folder, { recursive: true });
});
