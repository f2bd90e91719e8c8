/** The demo: real servers, the real bridge, and people who talk. `--once` ends after the conversation. */
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

/** Says a line, and reports when each of those whom it should reach has seen it. */
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

console.log(`starting Synapse, ${xmppServer}, Mosquitto and the bridge (a few seconds) …`);
const alias = `#balcony:hs.test`;
const bridged = await startBridged({ xmpp: xmppServer, mirrors: [{ topic, room: alias }] });
const { bed, xmpp } = bridged;
process.once("SIGTERM", () => void bridged.down().then(() => process.exit(1)));
process.once("SIGINT", () => void bridged.down().then(() => process.exit(130)));

async function conversation(): Promise<void> {
	const juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
	await juliet.displayName("Juliet Capulet");
	const romeo = await XmppClient.connect(await bed.xmppUser(xmppServer, "romeo"));
	const thermometer = await MqttClient.connect(bed.mqttUser("thermometer"));

	const muc = `${room}@${xmpp.muc}`;
	await romeo.joinRoom(muc, "Romeo");
	const matrixRoom = await juliet.createRoom({
		room_alias_name: "balcony",
		name: "Balcony",
		preset: "public_chat",
	});
	await juliet.invite(matrixRoom, "@trivium:hs.test");
	await juliet.waitFor(
		"the bot",
		(event) => event.state_key === "@trivium:hs.test" && event.content.membership === "join",
	);
	console.log(`\nOne room: Juliet is on Matrix, Romeo on XMPP, a thermometer on MQTT.\n`);
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
	await bridged.log.waitFor("the mirror", (line) => line.msg === "all mirrors are up", 30_000);
	const degrees = (body: unknown) => /12[.]5/.test(String(body));
	await line("MQTT (thermometer)", `${topic} 12.5`, () => thermometer.publish(topic, "12.5"), {
		"Matrix (Juliet)": () => juliet.waitFor("12.5", (event) => degrees(event.content.body), 20_000),
		"XMPP (Romeo)": () =>
			romeo.waitFor("12.5", (stanza) => degrees(stanza.getChild("body")?.getText()), 20_000),
	});

	console.log("\nA direct chat: Romeo writes to Juliet's address.\n");
	const julietJid = `juliet@${xmpp.component}`;
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
	if (direct)
		await line("Matrix (Juliet)", answer, () => juliet.send(direct, answer), {
			"XMPP (Romeo)": onXmpp(answer, julietJid),
		});
	await Promise.all([juliet.close(), romeo.close(), thermometer.close()]);
}

try {
	await conversation();
	console.log(
		failures === 0
			? "\nEvery line was seen by everyone it should reach."
			: `\n${failures} lines were not seen.`,
	);
	if (!once) {
		console.log(`
It stays up until Ctrl-C. Try it with clients of your own:
  Matrix  ${bed.matrix.url}   juliet / pw-juliet   (room #balcony:hs.test)
  XMPP    ${xmpp.c2s}   romeo@${xmpp.domain} / pw-romeo   (room ${room}@${xmpp.muc}; Juliet is juliet@${xmpp.component})
  MQTT    ${bed.mqtt.url}   thermometer / pw-thermometer   (topic ${topic})
In a Matrix room with @trivium:hs.test say “!bridge help”.`);
		await sleep(2 ** 31 - 1);
	}
} catch (error) {
	failures++;
	console.error(error);
} finally {
	await bridged.down();
}
process.exit(failures === 0 ? 0 : 1);
