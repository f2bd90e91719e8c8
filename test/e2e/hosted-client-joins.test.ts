import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestbed, type Testbed, type XmppAccount } from "../testbed/index.ts";
import { XmppClient, xml } from "../testbed/xmpp-client.ts";
import { replay, stories } from "../xmpp/hosted/client-joins/replay.ts";

/** Replays the joins of test/xmpp/hosted/client-joins; the README there explains the format. */

const line = "But, soft! what light through yonder window breaks?";
const topic = "Swear not by the moon";

/** Makes a room with one person, one line and a subject. Resolves with the words for a story. */
type MakeRoom = (name: string) => Promise<Record<string, string>>;

describe("the joins of real clients", () => {
	let bed: Testbed;
	let romeo: XmppClient;
	let juliet: XmppAccount;

	beforeAll(async () => {
		bed = await startTestbed({ servers: ["prosody"] });
		romeo = await XmppClient.connect(await bed.xmppUser("prosody", "romeo"));
		juliet = await bed.xmppUser("prosody", "juliet");
	});
	afterAll(async () => {
		await romeo?.close();
		await bed?.down();
	});

	const onProsody: MakeRoom = async (name) => {
		const { muc: host, domain } = bed.xmpp("prosody");
		const room = `${name}@${host}`;
		await romeo.joinRoom(room, "romeo");
		await romeo.configureRoom(room, {
			"muc#roomconfig_roomname": "The Balcony",
			"muc#roomconfig_whois": "anyone",
		});
		await romeo.send(xml("message", { to: room, type: "groupchat" }, xml("subject", {}, topic)));
		await romeo.sendMessage(room, line, "groupchat");
		await romeo.waitForMessage(line, room);
		return { room, host, other: "romeo", "their jid": `romeo@${domain}` };
	};

	describe.each([["a MUC of Prosody", onProsody]] as const)("in %s", (_place, makeRoom) => {
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
