import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../fakes.ts";
import { soak } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { MqttAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MqttClient } from "../testbed/mqtt-client.ts";
import { MucClient } from "../testbed/muc-client.ts";

/** Lines that each side writes alone, and beside the flood, and ms between two of them. */
const [lines, pace] = soak ? [600, 100] : [50, 100];

/** Runs the publisher in a process of its own. Resolves with the number of values that it has published. */
async function flood({ url, username, password }: MqttAccount, rate: number, ms: number, qos: 0 | 1) {
	const program = join(import.meta.dirname, "../testbed/flooder.ts");
	const values = [program, url, username, password, rate, ms, qos].map(String);
	const child = spawn(process.execPath, values, { stdio: ["ignore", "pipe", "inherit"] });
	let text = "";
	child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
		text += chunk;
	});
	await once(child, "exit");
	return Number(text);
}

/** Returns the time in ms within which a share of the lines arrived. */
const within = (times: readonly number[], share: number) =>
	Math.round([...times].sort((one, other) => one - other)[Math.floor(times.length * share)] ?? Number.NaN);

describe.each(["prosody", "ejabberd"] as const)("a chat beside floods of values, through %s", (server) => {
	let bridged: Bridged;
	let alice: MatrixClient;
	let watcher: MatrixClient;
	let romeo: MucClient;
	let thing: MqttClient;
	let account: MqttAccount;
	let chatRoom: string;

	beforeAll(async () => {
		const much = () => ({ per_minute: 1_000_000, burst: 1_000_000 });
		bridged = await startBridged({
			xmpp: server,
			mirrors: [{ topic: "home/#", room: "#values:hs.test", show: "state" }],
			mosquitto: { extra: "max_queued_messages 10000" },
			config: () => ({ limits: { sender: much() } }),
		});
		const { bed } = bridged;
		[alice, watcher] = (await Promise.all(
			["alice", "admin"].map(async (name) =>
				MatrixClient.connect(bed.matrix.url, await bed.matrixUser(name)),
			),
		)) as [MatrixClient, MatrixClient];
		account = bed.mqttUser("thing");
		thing = await MqttClient.connect(account);
		await watcher.createRoom({ preset: "public_chat", room_alias_name: "values" });
		chatRoom = await alice.createRoom({ preset: "public_chat", room_alias_name: "chat" });
		romeo = new MucClient(await bed.xmppUser(server, "romeo"), `#chat@${bridged.xmpp.component}`, "Romeo");
		await romeo.enter();
	});
	afterAll(async () => {
		await Promise.all([alice, watcher, romeo, thing].map((one) => one?.close()));
		await bridged?.down();
	});

	/** Lets both write. Resolves with the ms that each line took to the other side. */
	async function chat(name: string): Promise<readonly number[]> {
		const said = new Map<string, number>();
		for (let n = 0; n < lines; n++) {
			said.set(`${name} x${n}`, Date.now());
			await romeo.say(`${name} x${n}`);
			await sleep(pace / 2);
			said.set(`${name} m${n}`, Date.now());
			void alice.send(chatRoom, `${name} m${n}`);
			await sleep(pace / 2);
		}
		const last = `${name} x${lines - 1}`;
		await alice.waitForMessage(last, chatRoom, 60_000);
		await until(
			() => romeo.live.some(({ body }) => body === `${name} m${lines - 1}`),
			() => "the last line of Matrix has not come",
			60_000,
		);
		const toXmpp = romeo.live.filter(({ body }) => body.startsWith(`${name} m`));
		const toMatrix = alice.inbox.items.filter(({ content }) => `${content.body}`.startsWith(`${name} x`));
		expect(toXmpp.map(({ body }) => body)).toEqual(Array.from({ length: lines }, (_, n) => `${name} m${n}`));
		expect(toMatrix.map(({ content }) => content.body)).toEqual(
			Array.from({ length: lines }, (_, n) => `${name} x${n}`),
		);
		return toXmpp.map(({ body, at }) => at - (said.get(body) ?? 0));
	}

	test.each([
		["10,000 values a second of QoS 0", 10_000, 0],
		["2,000 values a second of QoS 1", 2_000, 1],
	] as const)(
		"loses no line beside %s, and shows the last value of each topic",
		async (name, rate, qos) => {
			const alone = await chat(`alone ${qos}`);
			const [beside, sent] = await Promise.all([
				chat(`beside ${qos}`),
				flood(account, rate, lines * pace, qos),
			]);
			for (const times of [alone, beside])
				console.log(`${name}, ${sent} sent: p50 ${within(times, 0.5)} ms, p99 ${within(times, 0.99)} ms`);
			await thing.publish("home/line7/value", `last ${qos}`);
			const shown = ({ content }: { content: Record<string, unknown> }) => JSON.stringify(content);
			await watcher.waitFor("the last value", (event) => shown(event).includes(`last ${qos}`), 60_000);
			expect(sent).toBeGreaterThan((rate * lines * pace) / 2_000);
		},
		soak ? 600_000 : 150_000,
	);
});
