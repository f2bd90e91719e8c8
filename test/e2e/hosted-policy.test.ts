import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";

/** Tests which Matrix rooms the admin lets people of XMPP into, and which people. */

vi.setConfig({ testTimeout: 60_000 });

const mucUser = "http://jabber.org/protocol/muc#user";

describe("hosted rooms under the policy of the config", () => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	let paris: XmppClient;
	let room: string;
	const at = (alias: string) => `#${alias}@${bridged.xmpp.component}`;

	beforeAll(async () => {
		bridged = await startBridged({
			xmpp: "prosody",
			config: () => ({
				gateway: { rooms: ["#hall:hs.test", "#open-*"] },
				permissions: { "*": "use", "@juliet:hs.test": "admin" },
			}),
		});
		const { bed } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		[romeo, paris] = (await Promise.all(
			["romeo", "paris"].map(async (name) => XmppClient.connect(await bed.xmppUser("prosody", name))),
		)) as [XmppClient, XmppClient];
		room = await juliet.createRoom({
			preset: "public_chat",
			room_alias_name: "hall",
			invite: ["@trivium:hs.test"],
		});
	}, 180_000);
	afterAll(async () => {
		await Promise.all([juliet, romeo, paris].map((client) => client?.close()));
		await bridged?.down();
	}, 60_000);

	const order = async (command: string, words: RegExp) => {
		await juliet.send(room, `!bridge ${command}`);
		await juliet.waitFor(
			`the answer to ${command}`,
			(event) => event.room_id === room && words.test(String(event.content.body)),
			20_000,
		);
	};
	/** Resolves with the status codes of the presence that shows an occupant out. */
	const out = async (client: XmppClient, nick: string) => {
		const gone = await client.waitFor(
			`the removal of ${nick}`,
			(one) => one.attrs.from === `${at("hall")}/${nick}` && one.attrs.type === "unavailable",
		);
		return gone
			.getChild("x", mucUser)
			?.getChildren("status")
			.map(({ attrs }) => attrs.code);
	};

	test("are those whose address matches a glob, and no others, whoever asks", async () => {
		await juliet.createRoom({ preset: "public_chat", room_alias_name: "open-air" });
		await juliet.createRoom({ preset: "public_chat", room_alias_name: "cellar" });
		await romeo.joinRoom(at("open-air"), "Romeo");
		await expect(romeo.joinRoom(at("cellar"), "Romeo")).rejects.toThrow(/forbidden|not-allowed/);
	});

	test("lose a person of XMPP whom an admin blocks, and let them in again when the block ends", async () => {
		await romeo.joinRoom(at("hall"), "Romeo");
		await paris.joinRoom(at("hall"), "Paris");
		await order("block paris@xmpp.test", /Blocked: paris@xmpp\.test/);
		expect(await out(paris, "Paris")).toEqual(expect.arrayContaining(["110", "307"]));
		expect(await out(romeo, "Paris")).toEqual(["307"]);
		expect([...(await juliet.members(room)).values()]).not.toContain("Paris");
		await expect(paris.joinRoom(at("hall"), "Paris")).rejects.toThrow(/forbidden/);
		await order("unblock paris@xmpp.test", /No longer blocked/);
		await paris.joinRoom(at("hall"), "Paris");
	});

	test("show nothing of a Matrix person whom an admin blocks", async () => {
		const { bed } = bridged;
		const tybalt = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("tybalt"));
		await tybalt.join(room);
		await tybalt.send(room, "peace?");
		await romeo.waitForMessage("peace?", at("hall"));
		await order("block @tybalt:hs.test", /Blocked/);
		expect(await out(romeo, "tybalt")).toEqual([]);
		await tybalt.send(room, "I hate the word");
		await juliet.send(room, "who is there?");
		await romeo.waitForMessage("who is there?", at("hall"));
		expect(romeo.inbox.items.filter((one) => one.getChild("body")?.getText() === "I hate the word")).toEqual(
			[],
		);
		await tybalt.close();
	});
});
