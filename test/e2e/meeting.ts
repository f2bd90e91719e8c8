import type { MatrixClient } from "../testbed/matrix-client.ts";

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
