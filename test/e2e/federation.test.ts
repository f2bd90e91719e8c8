import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";

// Two organisations federate: hs.test and xmpp.test have the bridge, hs2.test and xmpp2.test reach it from outside.
const servers = ["synapse", "prosody", "synapse2", "prosody2"] as const;

let bridged: Bridged;
let alice: MatrixClient;
/** Connects a Matrix person of the second organisation. */
let carol: MatrixClient;
let romeo: XmppClient;
/** Connects an XMPP person of the second organisation. */
let mercutio: XmppClient;

beforeAll(async () => {
	bridged = await startBridged({
		xmpp: "prosody",
		servers,
		config: () => ({ permissions: { "*": "use", "@*:hs.test": "link" } }),
	});
	const { bed } = bridged;
	const remote = bed.homeserver("synapse2");
	[alice, carol, romeo, mercutio] = await Promise.all([
		bed.matrixUser("alice").then((account) => MatrixClient.connect(bed.matrix.url, account)),
		bed
			.matrixUser("carol", { server: "synapse2" })
			.then((account) => MatrixClient.connect(remote.url, account)),
		bed.xmppUser("prosody", "romeo").then((account) => XmppClient.connect(account)),
		bed.xmppUser("prosody2", "mercutio").then((account) => XmppClient.connect(account)),
	]);
});
afterAll(async () => {
	await Promise.all([alice, carol, romeo, mercutio].map((client) => client?.close()));
	await bridged?.down();
});

/** Makes a MUC of romeo's at xmpp.test, and the portal that Matrix people reach by its alias. */
async function makeRoom(name: string): Promise<{ muc: string; alias: string }> {
	const muc = `${name}@${bridged.xmpp.muc}`;
	await romeo.joinRoom(muc, "Romeo");
	await romeo.configureRoom(muc);
	return { muc, alias: `#_xmpp_${name}=40${bridged.xmpp.muc}:hs.test` };
}

describe("two homeservers", () => {
	test("carry a message of a room both ways", async () => {
		const room = await alice.createRoom({ preset: "public_chat", room_alias_name: "square" });
		expect(await carol.join("#square:hs.test")).toBe(room);
		await carol.send(room, "hello from hs2.test");
		expect((await alice.waitForMessage("hello from hs2.test", room)).sender).toBe("@carol:hs2.test");
		await alice.send(room, "hello from hs.test");
		expect((await carol.waitForMessage("hello from hs.test", room)).sender).toBe("@alice:hs.test");
	});
});

describe("two XMPP servers", () => {
	test("carry a message of a MUC both ways", async () => {
		const { muc } = await makeRoom("verona");
		await mercutio.joinRoom(muc, "Mercutio");
		await mercutio.sendMessage(muc, "hello from xmpp2.test", "groupchat");
		await romeo.waitForMessage("hello from xmpp2.test", `${muc}/Mercutio`);
		await romeo.sendMessage(muc, "hello from xmpp.test", "groupchat");
		await mercutio.waitForMessage("hello from xmpp.test", `${muc}/Romeo`);
	});
});

describe("the bridge", () => {
	test("carries a chat between an XMPP person of the second server and a Matrix person", async () => {
		const address = `alice@${bridged.xmpp.component}`;
		await mercutio.sendMessage(address, "hello Alice");
		const invite = await alice.waitFor(
			"the invite to a chat",
			(event) =>
				event.from === "invite" && event.state_key === alice.userId && event.type === "m.room.member",
			20_000,
		);
		await alice.join(invite.room_id);
		const line = await alice.waitForMessage("hello Alice", invite.room_id, 20_000);
		expect(line.sender).toBe("@_xmpp_mercutio=40xmpp2.test:hs.test");
		await alice.send(invite.room_id, "hello Mercutio");
		await mercutio.waitForMessage("hello Mercutio", address, 20_000);
	});

	test("lets a Matrix person of the second server join a MUC by its alias", async () => {
		const { muc, alias } = await makeRoom("mantua");
		const room = await carol.join(alias);
		await romeo.waitFor(
			"carol among the occupants",
			(stanza) => stanza.is("presence") && stanza.attrs.from === `${muc}/carol`,
			20_000,
		);
		await carol.send(room, "hello Mantua");
		await romeo.waitForMessage("hello Mantua", `${muc}/carol`, 20_000);
		await romeo.sendMessage(muc, "hello Carol", "groupchat");
		expect((await carol.waitForMessage("hello Carol", room, 20_000)).sender).toMatch(/^@_xmpp_.*:hs\.test$/);
	});

	test("shows people of both second servers to each other", async () => {
		const { muc, alias } = await makeRoom("padua");
		const room = await carol.join(alias);
		await mercutio.joinRoom(muc, "Mercutio");
		await mercutio.sendMessage(muc, "from server to server", "groupchat");
		await carol.waitForMessage("from server to server", room, 20_000);
		await carol.send(room, "and back");
		await mercutio.waitForMessage("and back", `${muc}/carol`, 20_000);
	});
});
