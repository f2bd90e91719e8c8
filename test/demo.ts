/** The demo: real servers, the real bridge, and a scripted conversation. `--once` ends after the conversation. */
import { setTimeout as sleep } from "node:timers/promises";
import { startBridged } from "./testbed/bridge.ts";
import { MatrixClient } from "./testbed/matrix-client.ts";
import { MqttClient } from "./testbed/mqtt-client.ts";
import { XmppClient } from "./testbed/xmpp-client.ts";

const once = process.argv.includes("--once");
const xmppServer = process.argv.includes("--ejabberd") ? "ejabberd" : "prosody";
const room = "verona";
const topic = "home/balcony/temperature";

type Seen = () => Promise<unknown>;
let failures = 0;

const print = (...columns: string[]) => console.log(columns.join("  "));

/** Sends a message, and reports after how many ms each recipient has seen it. */
async function line(on: string, text: string, say: () => Promise<unknown>, reach: Record<string, Seen>) {
	const sentAt = performance.now();
	await say();
	print("  sent on", on.padEnd(18), text);
	await Promise.all(
		Object.entries(reach).map(async ([where, seen]) => {
			try {
				await seen();
				print("  seen on", where.padEnd(18), `after ${Math.round(performance.now() - sentAt)} ms`);
			} catch (error) {
				failures++;
				print("  NOT SEEN on", where, (error as Error).message);
			}
		}),
	);
}

const begun = performance.now();
/** Prints the progress of the start. */
const step = (text: string) =>
	console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${text}`);

const title = xmppServer === "prosody" ? "Prosody" : "ejabberd";
step(`starting Synapse, ${title} and Mosquitto on loopback, then the bridge between them (a few seconds) …`);
const bridged = await startBridged({ xmpp: xmppServer, mirrors: [{ topic, room: "#balcony:hs.test" }] });
const { bed, xmpp } = bridged;
step("all are up; making accounts for Juliet (Matrix), Romeo (XMPP) and a thermometer (MQTT) …");

/** The exit code of the conversation, undefined until its end; an interruption exits with its signal's code. */
let outcome: number | undefined;
let leaving = false;
async function leave(code: number): Promise<void> {
	if (leaving) return;
	leaving = true;
	await bridged.down();
	process.exit(code);
}
process.on("SIGTERM", () => void leave(outcome ?? 143));
process.on("SIGINT", () => {
	console.log("\nstopping …");
	void leave(outcome ?? 130);
});

async function conversation(): Promise<void> {
	const juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
	await juliet.displayName("Juliet Capulet");
	const romeo = await XmppClient.connect(await bed.xmppUser(xmppServer, "romeo"));
	const thermometer = await MqttClient.connect(bed.mqttUser("thermometer"));

	const muc = `${room}@${xmpp.muc}`;
	step(`Romeo opens the XMPP room ${muc}`);
	await romeo.joinRoom(muc, "Romeo");
	step("Juliet opens a Matrix room and invites the bridge, @trivium:hs.test");
	const matrixRoom = await juliet.createRoom({ name: "Balcony", preset: "public_chat" });
	await juliet.invite(matrixRoom, "@trivium:hs.test");
	await juliet.waitFor(
		"the bot",
		(event) => event.state_key === "@trivium:hs.test" && event.content.membership === "join",
	);
	// The alias is set last: the bridge looks for the mirror's room by it, and would join by itself.
	const alias = "#balcony:hs.test";
	await juliet.request("PUT", `v3/directory/room/${encodeURIComponent(alias)}`, { room_id: matrixRoom });
	step(`she says “!bridge link xmpp ${muc}” there; the thermometer's topic is in the bridge's config`);
	await juliet.send(matrixRoom, `!bridge link xmpp ${muc}`);
	await juliet.waitFor("the link", (event) => /^Linked to/.test(String(event.content.body)), 20_000);
	await juliet.waitFor(
		"Romeo",
		(event) => event.type === "m.room.member" && event.content.displayname === "Romeo",
	);
	await romeo.waitFor(
		"Juliet",
		(stanza) => stanza.is("presence") && stanza.attrs.from === `${muc}/Juliet Capulet`,
		20_000,
	);

	await bridged.log.waitFor("the mirror", (line) => line.msg === "all mirrors are up", 30_000);

	console.log("\nOne room, seen by Juliet on Matrix and Romeo on XMPP:\n");
	const onMatrix =
		(text: string, where = matrixRoom) =>
		() =>
			juliet.waitForMessage(text, where);
	const onXmpp =
		(text: string, from = muc) =>
		() =>
			romeo.waitForMessage(text, from);
	const lines: [from: "juliet" | "romeo", text: string][] = [
		["romeo", "But soft, what light through yonder window breaks?"],
		["juliet", "O Romeo, Romeo, wherefore art thou Romeo? 🌹"],
		["romeo", 'Shall I hear more, or shall I speak at this? <&">'],
	];
	for (const [from, text] of lines) {
		if (from === "juliet")
			await line("Matrix (Juliet)", text, () => juliet.send(matrixRoom, text), {
				"XMPP (Romeo)": onXmpp(text),
			});
		else
			await line("XMPP (Romeo)", text, () => romeo.sendMessage(muc, text, "groupchat"), {
				"Matrix (Juliet)": onMatrix(text),
			});
	}
	const degrees = (body: unknown) => /12[.]5/.test(String(body));
	await line("MQTT (thermometer)", `${topic} 12.5`, () => thermometer.publish(topic, "12.5"), {
		"Matrix (Juliet)": () => juliet.waitFor("12.5", (event) => degrees(event.content.body), 20_000),
		"XMPP (Romeo)": () =>
			romeo.waitFor("12.5", (stanza) => degrees(stanza.getChild("body")?.getText()), 20_000),
	});

	const julietJid = `juliet@${xmpp.component}`;
	console.log(`\nA direct chat: Romeo writes to Juliet's address, ${julietJid}:\n`);
	const hello = "Wilt thou leave me so unsatisfied?";
	await line("XMPP (Romeo)", hello, () => romeo.sendMessage(julietJid, hello), {
		"Matrix (Juliet)": async () => {
			const invite = await juliet.waitFor(
				"an invitation",
				(event) => event.from === "invite" && event.state_key === juliet.userId,
			);
			await juliet.join(invite.room_id);
			await juliet.waitForMessage(hello, invite.room_id);
		},
	});
	const direct = juliet.inbox.items.find((event) => event.content.body === hello)?.room_id;
	const answer = "What satisfaction canst thou have tonight?";
	// An undefined event means that the line above has failed and was counted.
	if (direct)
		await line("Matrix (Juliet)", answer, () => juliet.send(direct, answer), {
			"XMPP (Romeo)": onXmpp(answer, julietJid),
		});
	await Promise.all([juliet.close(), romeo.close(), thermometer.close()]);
}

const port = (url: string) => new URL(url).port;
const invitation = () => `
It stays up until Ctrl-C. Try it with clients of your own:

  Matrix  ${bed.matrix.url}   juliet / pw-juliet
          the room is #balcony:hs.test; “!bridge help” there, or “help” in a chat with @trivium:hs.test, says more
  XMPP    romeo@${xmpp.domain} / pw-romeo, at 127.0.0.1, port ${port(xmpp.c2s)} (trust its certificate)
          the room is ${room}@${xmpp.muc}; Juliet is juliet@${xmpp.component}
  MQTT    127.0.0.1, port ${port(bed.mqtt.url)}, thermometer / pw-thermometer:
          mosquitto_pub -p ${port(bed.mqtt.url)} -u thermometer -P pw-thermometer -t ${topic} -m 21.5`;

try {
	await conversation();
	console.log(
		failures === 0
			? "\nEvery line was seen by everyone it should reach."
			: `\nNot everything was seen: ${failures} times NOT SEEN above.`,
	);
	outcome = failures === 0 ? 0 : 1;
	if (!once) {
		console.log(invitation());
		await sleep(2 ** 31 - 1);
	}
} catch (error) {
	outcome = 1;
	if (!leaving) console.error(error);
}
await leave(outcome);
