import type { MatrixClient } from "../testbed/matrix-client.ts";
import type { XmppClient } from "../testbed/xmpp-client.ts";

export const bot = "@trivium:hs.test";

/**
 * Invites the bot `by` to a room and links it to a MUC, as a person with the permission. Resolves at the bot's answer.
 */
export async function link(client: MatrixClient, room: string, muc: string, by = bot): Promise<void> {
	await client.invite(room, by);
	await client.waitFor(
		"the bot",
		(one) => one.room_id === room && one.state_key === by && one.content.membership === "join",
	);
	await client.send(room, `!bridge link xmpp ${muc}`);
	await client.waitFor(
		"the link",
		(one) => one.room_id === room && one.sender === by && /^Linked/.test(String(one.content.body)),
		20_000,
	);
}

/** Makes a public room of this person's and links it to the MUC. */
export async function linkedRoom(client: MatrixClient, muc: string, by = bot): Promise<string> {
	const room = await client.createRoom({ preset: "public_chat" });
	await link(client, room, muc, by);
	return room;
}

/** Form fields that configure a MUC without an archive. */
export const noArchive = {
	prosody: { "muc#roomconfig_enablearchiving": "0" },
	ejabberd: { mam: "0" },
} as const;

/**
 * Begins a chat of two by a message from XMPP to a JID. Resolves with its room when the Matrix person has joined.
 */
export async function chat(to: string, by: XmppClient, other: MatrixClient): Promise<string> {
	await by.sendMessage(to, "good evening");
	const { room_id: room } = await other.waitFor(
		"an invitation",
		(one) =>
			one.from === "invite" &&
			one.state_key === other.userId &&
			one.sender?.includes(by.jid.split("@")[0] ?? "") === true,
		20_000,
	);
	await other.join(room);
	await other.waitForMessage("good evening", room, 20_000);
	return room;
}
