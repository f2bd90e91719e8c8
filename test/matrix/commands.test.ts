import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { CommandCall } from "../../src/core/command.ts";
import type { Media } from "../../src/core/event.ts";
import type { NetworkName } from "../../src/core/ids.ts";
import type { Bridge } from "../../src/core/network.ts";
import type { Client } from "../../src/matrix/client.ts";
import { obey } from "../../src/matrix/commands.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import type { MediaStore } from "../../src/matrix/media.ts";
import type { Members } from "../../src/matrix/members.ts";
import { quiet } from "../fakes.ts";

const file: Media = {
	kind: "image",
	source: { network: "things" as NetworkName, ref: "r" },
	name: "chart.png",
	mime: "image/png",
};

/** Resolves with the content of the bot's answer, which has a file. */
async function answered(store: MediaStore["store"]) {
	const sent: object[] = [];
	const send = async (_room: string, _type: string, _txn: string, { body }: { body: object }) =>
		void sent.push(body);
	await obey(
		{ room_id: "!r", event_id: "$e", sender: "@alice:hs.test" } as MatrixEvent,
		{ text: "chart kitchen", alone: false },
		{
			client: { send } as unknown as Client,
			members: { inRoom: () => ({}) } as unknown as Members,
			bridge: {
				command: async (call: CommandCall) => call.reply("Kitchen, the last 24h", file),
				open: async () => ({ body: Readable.from([Buffer.from("x")]) }),
			} as unknown as Bridge,
			prefix: "!bridge",
			files: { store },
			bot: "@trivium:hs.test",
			log: quiet,
		},
	);
	return sent;
}

test("the bot answers with a picture, and the words are its caption", async () => {
	const by: string[] = [];
	const [content] = await answered(async (_opened, _media, account) => {
		by.push(account);
		return { url: "mxc://hs.test/1", mime: "image/png", size: 5, width: 800, height: 400 };
	});
	expect(by).toEqual(["@trivium:hs.test"]);
	expect(content).toEqual({
		msgtype: "m.image",
		body: "Kitchen, the last 24h",
		filename: "chart.png",
		url: "mxc://hs.test/1",
		info: { mimetype: "image/png", size: 5, w: 800, h: 400 },
		"m.mentions": {},
		"m.relates_to": { "m.in_reply_to": { event_id: "$e" } },
	});
});

test("the bot says that a picture could not be sent", async () => {
	const [content] = await answered(async () => {
		throw new Error("the homeserver is full");
	});
	expect(content).toMatchObject({
		msgtype: "m.notice",
		body: "Kitchen, the last 24h (The file could not be sent.)",
	});
});
