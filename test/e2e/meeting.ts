import type { MatrixClient } from "../testbed/matrix-client.ts";
import type { XmppClient } from "../testbed/xmpp-client.ts";

const bot = "@trivium:hs.test";

/** Has the bot come into a room and link it with a MUC, as a person does who may; resolves when it says so. */
export async function link(client: MatrixClient, room: string, muc: string): Promise<void> {
	await client.invite(room, bot);
	await client.waitFor(
		"the bot",
		(one) => one.room_id === room && one.state_key === bot && one.content.membership === "join",
	);
	await client.send(room, `!bridge link xmpp ${muc}`);
	await client.waitFor(
		"the link",
		(one) => one.room_id === room && /^Linked/.test(String(one.content.body)),
		20_000,
	);
}

/** A new room of this person's that anybody may enter, linked with the MUC. */
export async function linkedRoom(client: MatrixClient, muc: string): Promise<string> {
	const room = await client.createRoom({ preset: "public_chat" });
	await link(client, room, muc);
	return room;
}

/** What makes a MUC one without an archive, in its form. */
export const noArchive = {
	prosody: { "muc#roomconfig_enablearchiving": "0" },
	ejabberd: { mam: "0" },
} as const;

/** A chat of two, begun on XMPP by writing to somebody's JID; resolves to its room when they have come in. */
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
