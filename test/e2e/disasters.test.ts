import { execFileSync } from "node:child_process";
import { renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, cli, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { isMessage, XmppClient } from "../testbed/xmpp-client.ts";
import { linkedRoom } from "./meeting.ts";

describe("a bridge in use", () => {
	let bridged: Bridged;
	let alice: MatrixClient;
	let romeo: XmppClient;
	let room: string;
	let muc: string;
	let folder: string;

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: "prosody", prosody: { conflict: "kick_old" } });
		folder = dirname(bridged.configFile);
		alice = await MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser("alice"));
		romeo = await XmppClient.connect(await bridged.bed.xmppUser("prosody", "romeo"));
		muc = `verona@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		room = await linkedRoom(alice, muc);
	});
	afterAll(async () => {
		await Promise.all([alice?.close(), romeo?.close()]);
		await bridged?.down();
	});

	const times = (body: string) => romeo.inbox.items.filter((one) => isMessage(one, body, muc)).length;

	test("reports its work as metrics", async () => {
		await alice.send(room, "counted");
		await romeo.waitForMessage("counted", muc, 20_000);
		const figures = async () => (await fetch(`http://127.0.0.1:${bridged.bed.ports.health}/metrics`)).text();
		// The bridge settles the row a moment after romeo has received the message.
		await expect.poll(figures, { timeout: 10_000 }).toMatch(/^trivium_waiting 0$/m);
		for (const network of ["matrix", "xmpp"])
			await expect.poll(figures).toContain(`trivium_link_up{network="${network}"} 1`);
		await expect
			.poll(figures)
			.toMatch(/^trivium_received_total\{from="matrix",kind="message",result="new"\} [1-9]/m);
		await expect
			.poll(figures)
			.toMatch(/^trivium_delivered_total\{from="matrix",to="xmpp",kind="message",result="shown"\} [1-9]/m);
	});

	test("stops within ten seconds while its XMPP server hangs, and delivers the waiting messages after the start", async () => {
		await alice.send(room, "before");
		await romeo.waitForMessage("before", muc, 20_000);
		bridged.bed.pause("prosody");
		for (let n = 0; n < 20; n++) await alice.send(room, `waiting ${n}`);
		await sleep(500);
		const began = Date.now();
		expect(await bridged.stop()).toBe(0);
		expect(Date.now() - began).toBeLessThan(11_000);
		bridged.bed.resume("prosody");
		await bridged.start();
		await romeo.waitForMessage("waiting 19", muc, 60_000);
		await sleep(2_000);
		const bodies = romeo.inbox.items
			.map((one) => one.getChild("body")?.getText() ?? "")
			.filter((body) => body.startsWith("waiting"));
		expect([...new Set(bodies)]).toEqual(Array.from({ length: 20 }, (_, n) => `waiting ${n}`));
	});

	test("stops within ten seconds while its homeserver hangs, and delivers the waiting messages after the start", async () => {
		await romeo.sendMessage(muc, "before that", "groupchat");
		await alice.waitForMessage("before that", room, 20_000);
		bridged.bed.pause("synapse");
		for (let n = 0; n < 20; n++) await romeo.sendMessage(muc, `waits ${n}`, "groupchat");
		await sleep(1_500);
		const began = Date.now();
		expect(await bridged.stop()).toBe(0);
		expect(Date.now() - began).toBeLessThan(11_000);
		bridged.bed.resume("synapse");
		await bridged.start();
		await alice.waitForMessage("waits 19", room, 60_000);
		await sleep(2_000);
		const bodies = alice.inbox.items
			.map(({ content }) => String(content.body))
			.filter((body) => body.startsWith("waits"));
		expect(bodies).toEqual(Array.from({ length: 20 }, (_, n) => `waits ${n}`));
	});

	test("receives transactions at once from a homeserver that had backed off for long", async () => {
		await bridged.kill();
		// Synapse doubles its wait after each failure: after a few failures the wait exceeds the time of this test.
		for (let n = 0; n < 6; n++) {
			await alice.send(room, `meanwhile ${n}`);
			await sleep(2_500);
		}
		await bridged.start();
		const began = Date.now();
		await romeo.waitForMessage("meanwhile 5", muc, 20_000);
		expect(Date.now() - began).toBeLessThan(5_000);
	});

	test("is restored from a backup that was made under traffic", async () => {
		const copy = join(folder, "copy");
		let talking = true;
		const talk = (async () => {
			for (let n = 0; talking; n++) await alice.send(room, `talk ${n}`);
		})();
		expect(cli("backup", bridged.configFile, copy)).toContain("Wrote");
		talking = false;
		await talk;
		await bridged.kill();
		expect(() => cli("restore", bridged.configFile, copy)).toThrow("Command failed");
		for (const name of ["data", "registration.yaml"])
			renameSync(join(folder, name), join(folder, `lost-${name}`));
		expect(cli("restore", bridged.configFile, copy)).toContain("Restored");
		await bridged.start();
		await alice.send(room, "after the fire");
		await romeo.waitForMessage("after the fire", muc, 20_000);
		expect(times("after the fire")).toBe(1);
		await romeo.sendMessage(muc, "I hear you", "groupchat");
		await alice.waitForMessage("I hear you", room, 20_000);
		rmSync(copy, { recursive: true });
	});

	test("exits with one clear line when its disk is full, and acknowledges nothing that it could not store", async () => {
		await bridged.stop();
		const data = join(folder, "data");
		// The bridge gets a disk of its own in a mount namespace of its own, so that nothing stays mounted.
		const disk = 'mount -t tmpfs -o size=4m tmpfs "$1"; cp -a "$0/." "$1"; shift; exec "$@"';
		const before = join(folder, "before");
		renameSync(data, before);
		execFileSync("mkdir", [data]);
		await bridged.start({}, ["unshare", "--mount", "--", "sh", "-euc", disk, before, data]);
		await alice.send(room, "there is room");
		await romeo.waitForMessage("there is room", muc, 20_000);
		const inside = `/proc/${bridged.pid}/root${data}/ballast`;
		expect(() => execFileSync("dd", ["if=/dev/zero", `of=${inside}`, "bs=4k"], { stdio: "pipe" })).toThrow();
		const lines = bridged.log.items.length;
		for (let n = 0; n < 40; n++) await alice.send(room, `too much ${n} ${"x".repeat(4_000)}`);
		await bridged.ended();
		const logged = bridged.log.items.slice(lines);
		expect(logged.some(({ level, msg }) => level === "exit" && msg === "exit 1")).toBe(true);
		const errors = logged.filter(({ level }) => level === "error");
		expect(errors).toHaveLength(1);
		expect(JSON.stringify(errors)).toContain(`the disk of ${data} is full. Make room`);
		expect(JSON.stringify(errors)).not.toContain("stack");
		// On the same store with free space, the bridge gets each unacknowledged transaction again from the homeserver.
		execFileSync("rmdir", [data]);
		renameSync(before, data);
		await bridged.start();
		await romeo.waitForMessage(`too much 39 ${"x".repeat(4_000)}`, muc, 60_000);
	});
});
