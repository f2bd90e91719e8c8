import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";
import { archived, sayUntilTaken, timeline } from "./lines.ts";
import { bot, linkedRoom } from "./meeting.ts";

// hs.test and xmpp.test have the bridge. The servers of the second organisation, hs2.test and xmpp2.test, go away here.
let bridged: Bridged;
let alice: MatrixClient;
let carol: MatrixClient;
let romeo: XmppClient;
let mercutio: XmppClient;
let mercutiosAccount: XmppAccount;

beforeAll(async () => {
	const much = () => ({ per_minute: 1_000_000, burst: 1_000_000 });
	bridged = await startBridged({
		xmpp: "prosody",
		servers: ["synapse", "prosody", "synapse2", "prosody2"],
		config: () => ({
			permissions: { "*": "use", "@*:hs.test": "link" },
			limits: { sender: much(), domain: much() },
		}),
	});
	const { bed } = bridged;
	mercutiosAccount = await bed.xmppUser("prosody2", "mercutio");
	[alice, carol, romeo, mercutio] = await Promise.all([
		bed.matrixUser("alice").then((account) => MatrixClient.connect(bed.matrix.url, account)),
		bed
			.matrixUser("carol", { server: "synapse2" })
			.then((account) => MatrixClient.connect(bed.homeserver("synapse2").url, account)),
		bed.xmppUser("prosody", "romeo").then((account) => XmppClient.connect(account)),
		XmppClient.connect(mercutiosAccount),
	]);
});
afterAll(async () => {
	await Promise.all([alice, carol, romeo, mercutio].map((client) => client?.close()));
	await bridged?.down();
});

/** Connects mercutio again, whose server was restarted. Resolves when he is in the MUC. */
async function back(muc: string): Promise<XmppClient> {
	await mercutio.close();
	const client = await XmppClient.connect(mercutiosAccount);
	await client.joinRoom(muc, "Mercutio");
	return client;
}

/** Says numbered lines until `end` is called, which resolves with all of them. */
function talk(name: string, pace: number, say: (line: string) => Promise<unknown>) {
	let talking = true;
	const lines: string[] = [];
	const done = (async () => {
		for (let n = 0; talking; await sleep(pace)) {
			const line = `${name} ${n++}`;
			lines.push(line);
			await say(line);
		}
	})();
	return {
		lines,
		async end(): Promise<readonly string[]> {
			talking = false;
			await done;
			return lines;
		},
	};
}

/** Waits until a place has all these lines, and expects each once and in order. */
async function allThere(lines: readonly string[], read: () => Promise<readonly string[]>): Promise<void> {
	const name = lines[0]?.split(" ")[0];
	const own = async () => (await read()).filter((line) => line.startsWith(`${name} `));
	let there: readonly string[] = [];
	for (const end = Date.now() + 60_000; Date.now() < end; await sleep(300)) {
		there = await own();
		if (there.length >= lines.length) break;
	}
	expect(there).toEqual(lines);
}

describe("a person of the second homeserver in the portal of a MUC", () => {
	test("loses no line, and gets none twice, while their homeserver dies, and while it hangs", async () => {
		const muc = `siena@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		await romeo.configureRoom(muc);
		const room = await carol.join(`#_xmpp_siena=40${bridged.xmpp.muc}:hs.test`);
		await carol.send(room, "good evening");
		await romeo.waitForMessage("good evening", `${muc}/carol`, 20_000);

		const fromCarol = talk("carol", 150, (line) => sayUntilTaken(carol, room, line));
		const fromRomeo = talk("romeo", 400, (line) => romeo.sendMessage(muc, line, "groupchat"));
		await sleep(500);
		await bridged.bed.kill("synapse2");
		await sleep(600);
		await bridged.bed.start("synapse2");
		await sleep(600);
		bridged.bed.pause("synapse2");
		await sleep(1_500);
		bridged.bed.resume("synapse2");
		await sleep(300);
		const [byCarol, byRomeo] = await Promise.all([fromCarol.end(), fromRomeo.end()]);
		await allThere(byCarol, () => archived(romeo, muc));
		await allThere(byRomeo, () => timeline(carol, room));
	});
});

describe("a MUC of the second XMPP server", () => {
	test("loses no line of either side, and gets none twice, while its server dies, and while it hangs", async () => {
		const muc = `lucca@${bridged.bed.xmpp("prosody2").muc}`;
		await mercutio.joinRoom(muc, "Mercutio");
		await mercutio.configureRoom(muc);
		const room = await linkedRoom(alice, muc);
		await alice.send(room, "good evening");
		await mercutio.waitForMessage("good evening", `${muc}/alice`, 20_000);

		const fromAlice = talk("alice", 150, (line) => alice.send(room, line));
		const fromMercutio = talk("mercutio", 150, (line) =>
			mercutio.sendMessage(muc, line, "groupchat").catch(() => undefined),
		);
		await sleep(500);
		await bridged.bed.kill("prosody2");
		await sleep(600);
		await bridged.bed.start("prosody2");
		mercutio = await back(muc);
		await sleep(600);
		bridged.bed.pause("prosody2");
		await sleep(1_500);
		bridged.bed.resume("prosody2");
		await sleep(300);
		const [byAlice] = await Promise.all([fromAlice.end(), fromMercutio.end()]);
		await allThere(byAlice, () => archived(mercutio, muc));
		// A line that the dying server took from its client, and kept nowhere, was never said.
		const said = (await archived(mercutio, muc)).filter((line) => line.startsWith("mercutio "));
		expect(said.length).toBeGreaterThan(10);
		await allThere(said, () => timeline(alice, room));
	});

	test("is named in the answer to `join` while it cannot be reached, and can be joined as soon as it is back", async () => {
		const { muc: service } = bridged.bed.xmpp("prosody2");
		const muc = `urbino@${service}`;
		const alias = `#_xmpp_urbino=40${service}:hs.test`;
		await mercutio.joinRoom(muc, "Mercutio");
		await mercutio.configureRoom(muc);
		const chat = await alice.createRoom({ invite: [bot], is_direct: true });
		await alice.waitFor(
			"the greeting",
			(one) => one.room_id === chat && one.type === "m.room.message",
			20_000,
		);

		await bridged.bed.kill("prosody2");
		await alice.send(chat, `join ${muc}`);
		await alice.waitForMessage(
			`That did not work: there is no XMPP server ${service}, or it does not answer.`,
			chat,
			30_000,
		);
		await expect(alice.join(alias)).rejects.toThrow("M_NOT_FOUND");

		await bridged.bed.start("prosody2");
		await alice.send(chat, `join ${muc}`);
		await alice.waitFor(
			"the invitation",
			({ content }) => String(content.body).startsWith("You are invited to urbino"),
			30_000,
		);
		const room = await alice.join(alias);
		mercutio = await back(muc);
		await alice.send(room, "good evening");
		await mercutio.waitForMessage("good evening", `${muc}/alice`, 20_000);
		await mercutio.sendMessage(muc, "welcome", "groupchat");
		await alice.waitForMessage("welcome", room, 20_000);
	});
});
