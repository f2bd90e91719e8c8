import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { soak } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { archived, timeline } from "./lines.ts";
import { linkedRoom, noArchive } from "./meeting.ts";

/**
 * One direction of a portal, by body: the lines sent, the lines confirmed, and the lines at the target in its
 * order.
 */
type Path = { name: string; sent: string[]; confirmed: Set<string>; arrived(): Promise<readonly string[]> };

/** Milliseconds between lines. The XMPP person waits while `ahead` of their lines have not reached Matrix. */
type Pace = Readonly<{ matrix: number; xmpp: number; ahead?: number }>;

/** The number of repetitions of each fault in one room; script/soak has more. */
const rounds = soak ? 6 : 1;
const options = { retry: 0, timeout: 150_000 * rounds };

const much = () => ({ per_minute: 1_000_000, burst: 1_000_000 });
/** Milliseconds after the last line, in which no further line arrives, that end the wait. */
const patience = 15_000;

/** Connects an XMPP person who records a room's messages, and reconnects after their server's restart. */
async function person(account: XmppAccount, room: string, nick: string) {
	let client: XmppClient;
	const heard: Element[] = [];
	async function connect(history: number): Promise<void> {
		client = await XmppClient.connect(account);
		const { push } = client.inbox;
		client.inbox.push = (stanza) => {
			if (stanza.is("message") && stanza.attrs.from?.startsWith(`${room}/`)) heard.push(stanza);
			push.call(client.inbox, stanza);
		};
		await client.joinRoom(room, nick, { history });
	}
	await connect(0);
	return {
		heard,
		get client() {
			return client;
		},
		say: (body: string) =>
			client.send(xml("message", { to: room, type: "groupchat", id: body }, xml("body", {}, body))),
		/** Returns the bodies that the room sent them, live or as history. */
		bodies: () => heard.flatMap((one) => one.getChild("body")?.getText() ?? []),
		async reconnect(): Promise<void> {
			await client.close();
			await connect(20);
		},
	};
}

/** Prints the figures of one path, and resolves with its faults. */
async function verdict({ name, sent, confirmed, arrived }: Path, fault: string) {
	const ours = new Set(sent);
	let there: string[] = [];
	for (let end = Date.now() + patience; Date.now() < end; await sleep(250)) {
		const before = there.length;
		there = (await arrived()).filter((line) => ours.has(line));
		if ([...confirmed].every((line) => there.includes(line))) break;
		if (there.length > before) end = Date.now() + patience;
	}
	// Duplicates get some more time to arrive.
	await sleep(1_000);
	there = (await arrived()).filter((line) => ours.has(line));
	const at = there.map((line) => sent.indexOf(line));
	const figures = {
		sent: sent.length,
		confirmed: confirmed.size,
		arrived: new Set(there).size,
		lost: [...confirmed].filter((line) => !there.includes(line)).length,
		twice: there.length - new Set(there).size,
		disorder: at.filter((one, index) => index > 0 && one < (at[index - 1] as number)).length,
	};
	console.log(
		`${fault}, ${name}: ${Object.entries(figures)
			.map(([key, value]) => `${key} ${value}`)
			.join(", ")}`,
	);
	const missing = [...confirmed].filter((line) => !there.includes(line));
	if (missing.length > 0) console.log(`missing: ${missing.join(", ")}`);
	const again = there.filter((line, index) => there.indexOf(line) !== index);
	if (again.length > 0) console.log(`twice: ${again.join(", ")}`);
	const { lost, twice, disorder } = figures;
	return { lost, twice, disorder };
}
const nothing = { lost: 0, twice: 0, disorder: 0 };

describe.each(["prosody", "ejabberd"] as const)("lines between Synapse and MUCs of %s", options, (server) => {
	let bridged: Bridged;
	let alice: MatrixClient;
	let romeo: XmppAccount;
	let juliet: XmppAccount;
	let count = 0;
	let hushed = false;

	beforeAll(async () => {
		bridged = await startBridged({
			xmpp: server,
			config: () => ({ limits: { sender: much(), domain: much() }, log: { level: "debug" } }),
		});
		const { bed } = bridged;
		alice = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("alice"));
		[romeo, juliet] = await Promise.all([bed.xmppUser(server, "romeo"), bed.xmppUser(server, "juliet")]);
	});
	afterAll(async () => {
		await alice?.close();
		await bridged?.down();
	});

	/** Makes a MUC in a new portal: romeo speaks there, juliet listens. */
	async function portal(archive: boolean) {
		const muc = `verona${++count}@${bridged.xmpp.muc}`;
		const speaker = await person(romeo, muc, "Romeo");
		await speaker.client.configureRoom(muc, {
			"muc#roomconfig_persistentroom": "1",
			...(!archive && noArchive[server]),
		});
		const info = await speaker.client.iq(
			muc,
			"get",
			xml("query", { xmlns: "http://jabber.org/protocol/disco#info" }),
		);
		expect(info.toString().includes("urn:xmpp:mam:2"), "the archive").toBe(archive);
		const listener = await person(juliet, muc, "Juliet");
		const room = await linkedRoom(alice, muc);
		await alice.send(room, "the first");
		await listener.client.waitForMessage("the first", muc, 20_000);

		const out: Path = {
			name: `Matrix → MUC with${archive ? "" : "out"} an archive`,
			sent: [],
			confirmed: new Set(),
			arrived: async () => (archive ? archived(listener.client, muc) : listener.bodies()),
		};
		const back: Path = {
			name: `MUC with${archive ? "" : "out"} an archive → Matrix`,
			sent: [],
			confirmed: new Set(),
			arrived: () => timeline(alice, room),
		};
		let talking = true;
		const ahead = () => {
			const heard = new Set(alice.inbox.items.map(({ content }) => content.body));
			return back.sent.filter((line) => !heard.has(line)).length;
		};
		/** Sends lines from both sides until `talking` is false. */
		const talk = async (pace: Pace) => {
			const matrix = (async () => {
				for (let n = 0; talking; await sleep(pace.matrix)) {
					if (hushed) continue;
					const body = `m${n++} of ${muc}`;
					out.sent.push(body);
					await alice.send(room, body).then(() => out.confirmed.add(body));
				}
			})();
			for (let n = 0; talking; await sleep(pace.xmpp)) {
				if (pace.ahead !== undefined && ahead() >= pace.ahead) continue;
				const body = `x${n++} of ${muc}`;
				back.sent.push(body);
				await speaker.say(body).catch(() => undefined);
			}
			await matrix;
			await sleep(500);
			for (const body of speaker.bodies()) if (body.startsWith("x")) back.confirmed.add(body);
		};
		return {
			muc,
			speaker,
			listener,
			/** Resolves with the faults of both paths, whose lines were sent from before `happens` until after it. */
			async through(fault: string, pace: Pace, happens: () => Promise<unknown>, times = rounds) {
				const talks = talk(pace);
				await sleep(800);
				for (let round = 0; round < times; round++) {
					await happens();
					await sleep(800);
				}
				talking = false;
				await talks;
				const found = await Promise.all([verdict(out, fault), verdict(back, fault)]);
				// A path without confirmations cannot lose a confirmed line.
				for (const { sent, confirmed } of [out, back])
					expect(confirmed.size, `of ${sent.length}`).toBeGreaterThan(5);
				await Promise.all([speaker.client.close(), listener.client.close()]);
				return found;
			},
		};
	}
	/**
	 * Starts the bridge, and lets Matrix stay silent while Synapse retries its backlog. An event that arrives just
	 * when the retry ends is withheld by Synapse (its scheduler: between `get_oldest_unsent_txn` and `UP`) until the next
	 * outage, and the bridge's own backfill of that event would be out of order.
	 */
	const comeBack = async () => {
		hushed = true;
		await bridged.start();
		const received = async () => {
			const metrics = await (await fetch(`http://127.0.0.1:${bridged.bed.ports.health}/metrics`)).text();
			return metrics.match(/^trivium_received_total\{from="matrix".*$/gm)?.join();
		};
		for (
			let before: string | undefined = "", now = await received();
			before !== now;
			now = await received()
		) {
			before = now;
			await sleep(400);
		}
		hushed = false;
	};
	const killed = async () => {
		await bridged.kill();
		await sleep(300);
		await comeBack();
	};

	/**
	 * Declares a test whose code path does not depend on the XMPP server: script/test runs it with server `one` only.
	 */
	const once = (one: typeof server, ...args: [string, () => Promise<void>]) => {
		if (soak || server === one) test(...args);
	};

	once("prosody", "no message is lost, doubled or out of order when the bridge is killed twice", async () => {
		const { through } = await portal(true);
		const ended = async () => {
			await killed();
			await sleep(800);
			await killed();
			await sleep(800);
			await bridged.stop();
			await comeBack();
		};
		expect(await through("killed -9 twice, stopped", { matrix: 20, xmpp: 80 }, ended)).toEqual([
			nothing,
			nothing,
		]);
	});

	test("no message is lost, doubled or out of order when the XMPP server restarts, alone and then with the bridge", async () => {
		const { through, speaker, listener } = await portal(true);
		const back = () => Promise.all([speaker.reconnect(), listener.reconnect()]);
		const restarted = async () => {
			await bridged.bed.restart(server);
			await back();
			await sleep(1_500);
			hushed = true;
			await Promise.all([bridged.kill(), bridged.bed.stop(server)]);
			// The bridge starts without its XMPP server, after it waited for it for a few seconds.
			await comeBack();
			await bridged.bed.start(server);
			await back();
			await sleep(1_500);
		};
		expect(await through(`${server} restarted`, { matrix: 40, xmpp: 40 }, restarted)).toEqual([
			nothing,
			nothing,
		]);
	});

	once(
		"ejabberd",
		"no message is lost, doubled or out of order when the XMPP server hangs for five seconds",
		async () => {
			const { through } = await portal(true);
			const hung = async () => {
				bridged.bed.pause(server);
				await sleep(5_000);
				bridged.bed.resume(server);
			};
			expect(await through(`${server} hung`, { matrix: 50, xmpp: 50 }, hung)).toEqual([nothing, nothing]);
		},
	);

	test("a room without an archive loses no message while the unread ones fit into its history", async () => {
		const { through } = await portal(false);
		const pace = { matrix: 60, xmpp: 300, ahead: 10 };
		// The bridge is killed once: soon after a first kill more lines are in doubt than the room's history holds.
		expect(await through("killed -9", pace, killed, 1)).toEqual([nothing, nothing]);
	});
});
