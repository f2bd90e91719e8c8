import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { isMessage, XmppClient } from "../testbed/xmpp-client.ts";
import { linkedRoom } from "./meeting.ts";

const hook = new URL("../testbed/poison.ts", import.meta.url).href;
const deadly = {
	NODE_OPTIONS: `--import ${hook}`,
	TRIVIUM_POISON: "fromGroupchat,fromMatrix,writeMessage",
	// The bridge may die before this hook runs.
	TRIVIUM_DIE: "poison",
};

describe("an item that kills the bridge", () => {
	let bridged: Bridged;
	let alice: MatrixClient;
	let romeo: XmppClient;
	let room: string;
	let muc: string;

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: "prosody" });
		alice = await MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser("alice"));
		romeo = await XmppClient.connect(await bridged.bed.xmppUser("prosody", "romeo"));
		muc = `verona@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		room = await linkedRoom(alice, muc);
		await bridged.stop();
		await bridged.start(deadly);
	});
	afterAll(async () => {
		await Promise.all([alice?.close(), romeo?.close()]);
		await bridged?.down();
	});

	/** Returns the log lines by which the bridge set an item aside. */
	const setAside = () => bridged.log.items.filter(({ msg }) => /died twice/.test(msg));
	const figures = async () => (await fetch(`http://127.0.0.1:${bridged.bed.ports.health}/metrics`)).text();

	/** Restarts the bridge after each death until the item has killed it twice. */
	async function diesTwice(): Promise<void> {
		for (const death of [1, 2]) {
			await bridged.ended();
			expect(bridged.log.items.at(-1)?.msg, `death ${death}`).toBe("exit SIGKILL");
			await bridged.start(deadly);
		}
	}

	test("is set aside after two deaths as a MUC message, although the archive returns it again; the next message arrives", async () => {
		await romeo.sendMessage(muc, "before", "groupchat");
		await alice.waitForMessage("before", room, 20_000);
		await romeo.sendMessage(muc, "fromGroupchat poison", "groupchat");
		await bridged.ended();
		await romeo.sendMessage(muc, "after it", "groupchat");
		await diesTwice();
		await alice.waitForMessage("after it", room, 30_000);
		expect(setAside()).toHaveLength(1);
		expect(setAside()[0]).toMatchObject({
			level: "error",
			item: expect.stringContaining("XMPP message groupchat"),
		});
		expect(JSON.stringify(bridged.log.items)).not.toContain("fromGroupchat poison");
		await expect.poll(figures).toMatch(/^trivium_set_aside 1$/m);
	}, 120_000);

	test("is set aside after two deaths as a Matrix event, although Synapse repeats it; the next event arrives", async () => {
		await alice.send(room, "fromMatrix poison");
		await alice.send(room, "after the event");
		await diesTwice();
		await romeo.waitForMessage("after the event", muc, 60_000);
		expect(setAside()).toHaveLength(2);
	}, 180_000);

	test("becomes a dead letter after two deaths as an outbound message, its sender reads so, and the next message arrives", async () => {
		await alice.send(room, "writeMessage poison");
		await bridged.ended();
		await alice.send(room, "after the row");
		await diesTwice();
		await romeo.waitForMessage("after the row", muc, 60_000);
		await alice.waitFor(
			"the reason",
			(one) => one.room_id === room && /set aside/.test(JSON.stringify(one.content)),
			20_000,
		);
		expect(setAside()).toHaveLength(3);
		expect(romeo.inbox.items.filter((one) => isMessage(one, "after the row", muc))).toHaveLength(1);
	}, 180_000);
});
