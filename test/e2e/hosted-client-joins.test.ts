import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { XmppClient, xml } from "../testbed/xmpp-client.ts";
import { replay, stories } from "../xmpp/hosted/client-joins/replay.ts";

/** Replays the joins of test/xmpp/hosted/client-joins; the README there explains the format. */

const line = "But, soft! what light through yonder window breaks?";
const topic = "Swear not by the moon";

/** Makes a room with one person, one line and a subject. Resolves with the words for a story. */
type MakeRoom = (name: string) => Promise<Record<string, string>>;

describe("the joins of real clients", () => {
	let bridged: Bridged;
	let romeo: XmppClient;
	let alice: MatrixClient;
	let juliet: XmppAccount;

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: "prosody", config: () => ({ gateway: { rooms: "local" } }) });
		const { bed } = bridged;
		romeo = await XmppClient.connect(await bed.xmppUser("prosody", "romeo"));
		juliet = await bed.xmppUser("prosody", "juliet");
		alice = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("alice"));
	});
	afterAll(async () => {
		await Promise.all([romeo?.close(), alice?.close()]);
		await bridged?.down();
	});

	const onProsody: MakeRoom = async (name) => {
		const { muc: host } = bridged.xmpp;
		const room = `${name}@${host}`;
		await romeo.joinRoom(room, "romeo");
		await romeo.configureRoom(room, {
			"muc#roomconfig_roomname": "The Balcony",
			"muc#roomconfig_whois": "anyone",
		});
		await romeo.send(xml("message", { to: room, type: "groupchat" }, xml("subject", {}, topic)));
		await romeo.sendMessage(room, line, "groupchat");
		await romeo.waitForMessage(line, room);
		return { room, host, other: "romeo", "their jid": `romeo@${bridged.xmpp.domain}` };
	};

	const hosted: MakeRoom = async (name) => {
		const { component: host } = bridged.xmpp;
		const options = { preset: "public_chat", room_alias_name: name, name: "The Balcony", topic };
		await alice.send(await alice.createRoom(options), line);
		return { room: `#${name}@${host}`, host, other: "alice", "their jid": `alice@${host}` };
	};

	describe.each([
		["a MUC of Prosody", onProsody],
		["a hosted room", hosted],
	] as const)("in %s", (_place, makeRoom) => {
		test.each(stories)("$client gets all that it needs to show the room as joined", async (story) => {
			const name = story.client.toLowerCase().replace(/[^a-z]+/g, "");
			const words = await makeRoom(name);
			const client = await XmppClient.connect(juliet, { resource: name });
			const nick = "juliet";
			await replay(story, client, { ...words, nick });
			await client.leaveRoom(words.room as string, nick);
			const left = await client.waitFor(
				"its own leave",
				(one) => one.is("presence") && one.attrs.type === "unavailable",
			);
			expect(left.attrs.from).toBe(`${words.room}/${nick}`);
			await client.close();
		});
	});
});
