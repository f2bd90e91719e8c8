import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { until } from "../fakes.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MucClient } from "../testbed/muc-client.ts";
import { hasStatus, XmppClient } from "../testbed/xmpp-client.ts";
import { type Crowd, compare, talk } from "./crowd.ts";
import { sayUntilTaken } from "./lines.ts";

// hs.test and xmpp.test have the bridge. The servers of the second organisation, hs2.test and xmpp2.test, go away here.
let bridged: Bridged;
let alice: MatrixClient;
let carol: MatrixClient;
let romeo: XmppAccount;
let juliet: XmppClient;
let mercutio: XmppAccount;

beforeAll(async () => {
	const much = () => ({ per_minute: 1_000_000, burst: 1_000_000 });
	bridged = await startBridged({
		xmpp: "prosody",
		servers: ["synapse", "prosody", "synapse2", "prosody2"],
		config: () => ({ limits: { sender: much(), domain: much() } }),
	});
	const { bed } = bridged;
	[romeo, mercutio] = await Promise.all([
		bed.xmppUser("prosody", "romeo"),
		bed.xmppUser("prosody2", "mercutio"),
	]);
	[alice, carol, juliet] = await Promise.all([
		bed.matrixUser("alice").then((account) => MatrixClient.connect(bed.matrix.url, account)),
		bed
			.matrixUser("carol", { server: "synapse2" })
			.then((account) => MatrixClient.connect(bed.homeserver("synapse2").url, account)),
		bed.xmppUser("prosody", "juliet").then((account) => XmppClient.connect(account)),
	]);
});
afterAll(async () => {
	await Promise.all([alice, carol, juliet].map((client) => client?.close()));
	await bridged?.down();
});

const at = (room: string) => `${room}@${bridged.xmpp.component}`;

describe("a room of the second homeserver", () => {
	test("loses no line of either side while its server dies and hangs, once somebody of ours is in it", async () => {
		const { bed } = bridged;
		const room = await carol.createRoom({ preset: "public_chat", room_alias_name: "square" });
		expect(await alice.join("#square:hs2.test")).toBe(room);
		const client = new MucClient(romeo, at("#square%hs2.test"), "Romeo");
		await client.enter();
		const crowd: Crowd = {
			room,
			matrix: [carol, alice],
			watching: [alice],
			xmpp: [client],
			lines: 8,
			pace: 250,
		};
		const outages = await talk(crowd, async () => {
			await sleep(500);
			await bed.kill("synapse2");
			await sleep(500);
			await bed.start("synapse2");
			await sleep(500);
			bed.pause("synapse2");
			await sleep(1_500);
			bed.resume("synapse2");
		});
		await compare(crowd, outages);
		for (const n of Array(8).keys()) await carol.waitForMessage(`xmpp 0 line ${n}`, room, 20_000);
		await client.close();
	});

	test("is closed to XMPP while nobody of ours is in it, and its join waits while its server is away", async () => {
		const { bed } = bridged;
		await carol.createRoom({ preset: "public_chat", room_alias_name: "market" });
		const fair = await carol.createRoom({ preset: "public_chat", room_alias_name: "fair" });
		await expect(juliet.joinRoom(at("#market%hs2.test"), "Juliet")).rejects.toThrow("not-allowed");

		await alice.join("#fair:hs2.test");
		await carol.waitFor("alice", ({ room_id, state_key }) => room_id === fair && state_key === alice.userId);
		await bed.kill("synapse2");
		const join = () => juliet.joinRoom(at("#fair%hs2.test"), "Juliet");
		await expect(join()).rejects.toThrow("remote-server-timeout");
		await bed.start("synapse2");
		// Synapse asks a server that was away no more for a while, or until it hears from it.
		const isIn = () =>
			join().then(
				() => true,
				() => false,
			);
		const end = Date.now() + 60_000;
		for (let n = 0; !(await isIn()) && Date.now() < end; n++) {
			await sayUntilTaken(carol, fair, `we are back ${n}`);
			await sleep(500);
		}
		await juliet.sendMessage(at("#fair%hs2.test"), "good evening", "groupchat");
		await carol.waitForMessage("good evening", fair, 20_000);
	});
});

describe("a person of the second XMPP server in a room of ours", () => {
	test("is put out with 333 while that server is away, comes back, and has each line once", async () => {
		const { bed } = bridged;
		const room = await alice.createRoom({ preset: "public_chat", room_alias_name: "plaza" });
		const address = at("#plaza");
		await juliet.joinRoom(address, "Juliet");
		const client = new MucClient(mercutio, address, "Mercutio");
		await client.enter();
		const crowd: Crowd = { room, matrix: [alice], xmpp: [client], lines: 10, pace: 250 };
		const outages = await talk(crowd, async (outage) => {
			await sleep(500);
			await outage(async () => {
				await bed.kill("prosody2");
				await juliet.waitFor(
					"Mercutio put out",
					(stanza) =>
						stanza.attrs.from === `${address}/Mercutio` &&
						stanza.attrs.type === "unavailable" &&
						hasStatus(stanza, "333"),
					20_000,
				);
				await bed.start("prosody2");
				await client.reconnect();
			});
			await sleep(500);
			await outage(async () => {
				bed.pause("prosody2");
				await sleep(1_500);
				bed.resume("prosody2");
			});
		});
		await compare(crowd, outages);
		await client.close();
	});
});

test("a room of the second homeserver with nobody of ours is joined where the config opens all rooms", async () => {
	const { configFile } = bridged;
	await bridged.stop();
	const config = parse(readFileSync(configFile, "utf8")) as Record<string, unknown>;
	writeFileSync(configFile, stringify({ ...config, gateway: { rooms: "any" } }), { mode: 0o600 });
	await bridged.start();
	const room = await carol.createRoom({ preset: "public_chat", room_alias_name: "bazaar" });
	await carol.send(room, "before anybody came");
	const address = at("#bazaar%hs2.test");
	const client = new MucClient(romeo, address, "Romeo");
	await client.enter();
	expect((await client.archive()).map(({ body }) => body)).toEqual(["before anybody came"]);
	await client.say("good evening");
	expect((await carol.waitForMessage("good evening", room, 20_000)).sender).toBe(
		"@_xmpp_romeo=40xmpp.test:hs.test",
	);
	await carol.send(room, "welcome");
	await until(
		() => client.live.some(({ body }) => body === "welcome"),
		() => JSON.stringify(client.live),
		20_000,
	);
	await client.close();
});
