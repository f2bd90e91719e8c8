import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { type FaultyProxy, startProxy } from "../testbed/proxy.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";
import { linkedRoom } from "./meeting.ts";

// Synapse keeps undelivered events of an appservice in memory, and forgets them at a restart.
describe("events that a restarted homeserver never hands over", { retry: 0 }, () => {
	let bridged: Bridged;
	let inward: FaultyProxy;
	let outward: FaultyProxy;
	let alice: MatrixClient;
	let romeo: XmppClient;
	const handed = new Set<string>();

	beforeAll(async () => {
		inward = await startProxy((_, body) => {
			const { events = [] } = JSON.parse(body) as { events?: { content: { body?: string } }[] };
			for (const { content } of events) if (content.body) handed.add(content.body);
		});
		outward = await startProxy();
		bridged = await startBridged({
			xmpp: "prosody",
			prosody: { conflict: "kick_old" },
			homeserver: outward.url,
			appservice: inward.url,
			config: ({ ports }) => {
				outward.leadsTo(`http://127.0.0.1:${ports.synapse}`);
				inward.leadsTo(`http://127.0.0.1:${ports.appservice}`);
				const much = () => ({ per_minute: 1_000_000, burst: 100_000 });
				return { limits: { sender: much(), domain: much() } };
			},
		});
		const { bed } = bridged;
		alice = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("alice"));
		romeo = await XmppClient.connect(await bed.xmppUser("prosody", "romeo"));
	});
	afterAll(async () => {
		await Promise.all([alice?.close(), romeo?.close()]);
		await bridged?.down();
		inward?.close();
		outward?.close();
	});

	let count = 0;
	/**
	 * Makes a MUC in a new portal. Returns a function that sends from Matrix, and the lines that the MUC received.
	 */
	async function portal() {
		const muc = `verona${++count}@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		const room = await linkedRoom(alice, muc);
		const say = async (from: number, to: number) => {
			for (let n = from; n < to; n++) await alice.send(room, `line ${n}`);
		};
		const heard = () =>
			romeo.inbox.items
				.filter((one) => one.attrs.from?.startsWith(`${muc}/`))
				.flatMap((one) => /^line (\d+)$/.exec(one.getChild("body")?.getText() ?? "")?.[1] ?? [])
				.map(Number);
		await say(0, 1);
		await expect.poll(heard, { timeout: 20_000 }).toEqual([0]);
		return { say, heard };
	}
	/**
	 * Sends nine lines while Synapse cannot hand them over, and kills Synapse before it can, together with `others`.
	 */
	async function forgotten(...others: readonly (() => Promise<unknown>)[]) {
		const room = await portal();
		handed.clear();
		inward.fail(() => ({ delay: 1_500 }));
		await room.say(1, 10);
		await Promise.all([...others.map((die) => die()), bridged.bed.kill("synapse")]);
		inward.fail();
		await bridged.bed.start("synapse");
		return room;
	}
	const lines = (until: number) => Array.from({ length: until }, (_, n) => n);

	test("are read by backfill and take their place when a later message arrives", async () => {
		const { say, heard } = await forgotten();
		await say(10, 13);
		await expect.poll(() => heard().length, { timeout: 30_000 }).toBe(13);
		expect(heard()).toEqual(lines(13));
		expect(handed.size, "Synapse handed all over: nothing was tested").toBeLessThan(9);
	});

	test("are read by backfill when no later message arrives", async () => {
		const { heard } = await forgotten();
		await expect.poll(() => heard().length, { timeout: 30_000 }).toBe(10);
		expect(heard()).toEqual(lines(10));
		expect(handed.size, "Synapse handed all over: nothing was tested").toBeLessThan(9);
	});

	test("are read by backfill when no later message arrives and the bridge died with the homeserver", async () => {
		const { heard } = await forgotten(() => bridged.kill());
		await bridged.start();
		await expect.poll(() => heard().length, { timeout: 100_000 }).toBe(10);
		await sleep(1_000);
		expect(heard()).toEqual(lines(10));
		expect(handed.size, "Synapse handed all over: nothing was tested").toBeLessThan(9);
	});

	test("are followed after the next start if one of them replaces a room and the bridge was killed before it entered the new one", async () => {
		const muc = `moving@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		const room = await linkedRoom(alice, muc);
		await alice.send(room, "before");
		await romeo.waitForMessage("before", muc, 20_000);
		outward.fail((path) => (path.includes("/join") ? { status: 502, body: {} } : undefined));
		const next = await alice.createRoom({
			...{ preset: "public_chat", creation_content: { predecessor: { room_id: room } } },
		});
		const path = `v3/rooms/${encodeURIComponent(room)}/state/m.room.tombstone/`;
		await alice.request("PUT", path, { body: "moved", replacement_room: next });
		// The homeserver repeats no transaction whose events have crossed.
		await alice.send(room, "behind it");
		await romeo.waitForMessage("behind it", muc, 20_000);
		await bridged.kill();
		outward.fail();
		await bridged.start();
		await expect
			.poll(async () => [...(await alice.members(next)).values()], { timeout: 30_000 })
			// The rank of the MUC's owner may stand behind the name by then.
			.toContainEqual(expect.stringMatching(/^Romeo( \(owner\))?$/));
		await alice.send(next, "in the new room");
		await romeo.waitForMessage("in the new room", muc, 20_000);
	});
});
