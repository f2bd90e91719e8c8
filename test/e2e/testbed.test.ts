import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestbed, type Testbed } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MqttClient } from "../testbed/mqtt-client.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";

let bed: Testbed;

beforeAll(async () => {
	bed = await startTestbed();
});
afterAll(() => bed?.down());

test("two people talk in a Matrix room, and one client stays connected over a restart of Synapse", async () => {
	const accounts = await Promise.all([bed.matrixUser("alice"), bed.matrixUser("bob")]);
	const [alice, bob] = await Promise.all(
		accounts.map((account) => MatrixClient.connect(bed.matrix.url, account)),
	);
	if (!alice || !bob) throw new Error("unreachable");
	const room = await alice.createRoom({ preset: "private_chat", invite: [bob.userId] });
	await bob.waitFor("the invite", (event) => event.from === "invite" && event.state_key === bob.userId);
	await bob.join(room);
	await bob.send(room, "hello alice");
	expect((await alice.waitForMessage("hello alice", room)).sender).toBe("@bob:hs.test");

	await bed.restart("synapse");
	await alice.send(room, "still here");
	await bob.waitForMessage("still here", room, 20_000);
	await Promise.all([alice.close(), bob.close()]);
});

test.each(["prosody", "ejabberd"] as const)("two people talk in a MUC of %s", async (server) => {
	const accounts = await Promise.all([bed.xmppUser(server, "romeo"), bed.xmppUser(server, "juliet")]);
	const [romeo, juliet] = await Promise.all(accounts.map((account) => XmppClient.connect(account)));
	if (!romeo || !juliet) throw new Error("unreachable");
	const room = `verona@${bed.xmpp(server).muc}`;
	await romeo.joinRoom(room, "Romeo");
	await juliet.joinRoom(room, "Juliet");
	await romeo.sendMessage(room, "but soft", "groupchat");
	expect((await juliet.waitForMessage("but soft", room)).attrs.from).toBe(`${room}/Romeo`);

	bed.pause(server);
	await romeo.sendMessage(juliet.jid, "are you asleep?");
	expect(await juliet.inbox.settled((stanza) => stanza.toString().includes("asleep"), 300)).toEqual([]);
	bed.resume(server);
	await juliet.waitForMessage("are you asleep?", romeo.jid);
	await Promise.all([romeo.close(), juliet.close()]);
});

test("the broker passes a message, plain and by TLS, and refuses a wrong password", async () => {
	const thing = await MqttClient.connect(bed.mqttUser("thing"));
	const reader = await MqttClient.connect({ ...bed.mqttUser("reader"), url: bed.mqtt.tlsUrl });
	await reader.subscribe("home/#");
	await thing.publish("home/kitchen", "21.5", { retain: true });
	expect(await reader.waitForMessage("home/kitchen")).toMatchObject({ payload: "21.5", retain: false });
	await expect(
		MqttClient.connect({ url: bed.mqtt.url, username: "thing", password: "wrong" }),
	).rejects.toThrow();
	await Promise.all([thing.close(), reader.close()]);
});

test("a failed wait lists the items that arrived instead", async () => {
	const romeo = await XmppClient.connect(await bed.xmppUser("prosody", "mercutio"));
	await expect(romeo.waitForMessage("nothing", undefined, 200)).rejects.toThrow(
		/mercutio@xmpp.test waited 200 ms for a message "nothing"; the latest of .*<presence/s,
	);
	await romeo.close();
});
