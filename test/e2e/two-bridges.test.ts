import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startTwoBridged } from "../testbed/bridge.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";
import { archived, timeline } from "./lines.ts";
import { bot, link, linkedRoom } from "./meeting.ts";

// Two organisations federate, and each has a bridge of its own: @trivium:hs.test and @trivium:hs2.test.
const secondBot = "@trivium:hs2.test";

let first: Bridged;
let second: Bridged;
let alice: MatrixClient;
let carol: MatrixClient;
let romeo: XmppClient;
let mercutio: XmppClient;

beforeAll(async () => {
	[first, second] = await startTwoBridged({
		config: () => ({ permissions: { "*": "use", "@*:hs.test": "link", "@*:hs2.test": "link" } }),
	});
	const { bed } = first;
	[alice, carol, romeo, mercutio] = await Promise.all([
		bed.matrixUser("alice").then((account) => MatrixClient.connect(bed.matrix.url, account)),
		bed
			.matrixUser("carol", { server: "synapse2" })
			.then((account) => MatrixClient.connect(bed.homeserver("synapse2").url, account)),
		bed.xmppUser("prosody", "romeo").then((account) => XmppClient.connect(account)),
		bed.xmppUser("prosody2", "mercutio").then((account) => XmppClient.connect(account)),
	]);
});
afterAll(async () => {
	await Promise.all([alice, carol, romeo, mercutio].map((client) => client?.close()));
	await second?.kill();
	await first?.down();
});

const isJoin = (room: string, who: string) => (one: SeenEvent) =>
	one.room_id === room && one.state_key === who && one.content.membership === "join";

async function makeMuc(name: string): Promise<string> {
	const muc = `${name}@${first.xmpp.muc}`;
	await romeo.joinRoom(muc, "Romeo");
	await romeo.configureRoom(muc);
	return muc;
}

describe("two bridges that link rooms of their own to one MUC", () => {
	test("show each message once in each room, and the people of each room in the other one", async () => {
		const muc = await makeMuc("verona");
		const here = await linkedRoom(alice, muc);
		const there = await linkedRoom(carol, muc, secondBot);
		await alice.send(here, "from alice");
		await carol.waitForMessage("from alice", there, 20_000);
		await carol.send(there, "from carol");
		await alice.waitForMessage("from carol", here, 20_000);
		await romeo.sendMessage(muc, "from romeo", "groupchat");
		await Promise.all([
			alice.waitForMessage("from romeo", here, 20_000),
			carol.waitForMessage("from romeo", there, 20_000),
		]);
		const said = ["from alice", "from carol", "from romeo"];
		const own = (lines: readonly string[]) => lines.filter((line) => said.includes(line));
		expect(own(await archived(romeo, muc))).toEqual(said);
		expect(own(await timeline(alice, here))).toEqual(said);
		expect(own(await timeline(carol, there))).toEqual(said);
		const names = [...(await alice.members(here)).values()];
		expect(names.filter((name) => name === "carol")).toEqual(["carol"]);
	});
});

describe("a room of both organisations", () => {
	/** Makes a room that alice and carol may link. `info`: the bots may state in it what it is linked to. */
	async function sharedRoom(info: boolean): Promise<string> {
		const levels = info ? { state_default: 0 } : { users: { [alice.userId]: 100, [carol.userId]: 100 } };
		const room = await alice.createRoom({
			preset: "public_chat",
			invite: [carol.userId],
			power_level_content_override: { invite: 0, ...levels },
		});
		await carol.waitFor("the invitation", (one) => one.from === "invite" && one.room_id === room, 20_000);
		await carol.join(room);
		return room;
	}

	test("is linked to a MUC by one of the two bridges, and the other one says so to a person who tries again", async () => {
		const muc = await makeMuc("mantua");
		const room = await sharedRoom(true);
		await link(alice, room, muc);
		await carol.waitFor(
			"the bridge info",
			({ room_id, type, content }) => room_id === room && type === "m.bridge" && content.bridgebot === bot,
			20_000,
		);
		await carol.invite(room, secondBot);
		await carol.waitFor("the second bot", isJoin(room, secondBot), 20_000);
		await carol.send(room, `!bridge link xmpp ${muc}`);
		const answer = await carol.waitFor(
			"the refusal",
			({ sender, content }) => sender === secondBot && String(content.body).includes("did not work"),
			20_000,
		);
		expect(answer.content.body).toContain(`another bridge, ${bot}, has made this very link already`);
	});

	test("shows the people of two MUCs to each other when each bridge links it to one of them", async () => {
		const near = await makeMuc("siena");
		const far = `lucca@${second.xmpp.muc}`;
		await mercutio.joinRoom(far, "Mercutio");
		await mercutio.configureRoom(far);
		const room = await sharedRoom(true);
		await link(alice, room, near);
		await link(carol, room, far, secondBot);
		// The ghost of the other bridge is a person like others, with the name that it has in the room.
		await mercutio.sendMessage(far, "from mercutio", "groupchat");
		await romeo.waitForMessage("from mercutio", `${near}/Mercutio (owner)`, 20_000);
		await romeo.sendMessage(near, "from romeo", "groupchat");
		await mercutio.waitForMessage("from romeo", `${far}/Romeo (owner)`, 20_000);
		const copies = async (lines: Promise<readonly string[]>) =>
			(await lines).filter((line) => line === "from mercutio" || line === "from romeo");
		const both = ["from mercutio", "from romeo"];
		expect(await copies(archived(romeo, near))).toEqual(both);
		expect(await copies(archived(mercutio, far))).toEqual(both);
		expect(await copies(timeline(alice, room))).toEqual(both);
	});

	test("is linked by one bridge to other rooms, and not to itself, when the other bridge shows it as a MUC", async () => {
		const room = await sharedRoom(true);
		await alice.request("PUT", `v3/directory/room/${encodeURIComponent("#forum:hs.test")}`, {
			room_id: room,
		});
		const view = `#forum@${first.xmpp.component}`;
		await romeo.joinRoom(view, "Romeo");
		await carol.invite(room, secondBot);
		await carol.waitFor("the second bot", isJoin(room, secondBot), 20_000);
		await carol.send(room, `!bridge link xmpp ${view}`);
		const answer = await carol.waitFor(
			"the refusal",
			({ room_id, sender, content }) =>
				room_id === room && sender === secondBot && String(content.body).includes("did not work"),
			20_000,
		);
		expect(answer.content.body).toContain("shows this very room");

		const other = await linkedRoom(carol, view, secondBot);
		await carol.send(other, "from carol");
		await alice.waitForMessage("from carol", room, 20_000);
		await alice.send(room, "from alice");
		await carol.waitForMessage("from alice", other, 20_000);
		await romeo.sendMessage(view, "from romeo", "groupchat");
		await carol.waitForMessage("from romeo", other, 20_000);
		const said = ["from carol", "from alice", "from romeo"];
		const own = (lines: readonly string[]) => lines.filter((line) => said.includes(line));
		expect(own(await timeline(alice, room))).toEqual(said);
		expect(own(await timeline(carol, other))).toEqual(said);
		expect(own(await archived(romeo, view))).toEqual(said);
	});

	test("shows no message more than once for each bridge, and no person anew, when both bridges link it to one MUC", async () => {
		const muc = await makeMuc("padua");
		// Nobody learns of the other link: neither bot may state its own one.
		const room = await sharedRoom(false);
		await link(alice, room, muc);
		await link(carol, room, muc, secondBot);
		await alice.send(room, "from alice");
		await romeo.sendMessage(muc, "from romeo", "groupchat");
		const copies = async () => ({
			room: (await timeline(alice, room)).filter((line) => line.startsWith("from ")),
			muc: (await archived(romeo, muc)).filter((line) => line.startsWith("from ")),
		});
		const count = (lines: readonly string[], line: string) => lines.filter((one) => one === line).length;
		const all = async () => {
			const { room: here, muc: there } = await copies();
			return count(here, "from romeo") >= 2 && count(there, "from alice") >= 2;
		};
		for (const end = Date.now() + 20_000; !(await all()) && Date.now() < end; ) await sleep(200);
		// A line that came through both bridges after the others shows that those have come to rest.
		await carol.send(room, "the end");
		await romeo.waitForMessage("the end", `${muc}/carol`, 20_000);
		const { room: here, muc: there } = await copies();
		expect(here.toSorted()).toEqual(["from alice", "from romeo", "from romeo"]);
		expect(there.toSorted()).toEqual(["from alice", "from alice", "from romeo"]);
		const names = [...(await alice.members(room)).values()];
		expect(names.filter((name) => name?.startsWith("alice"))).toEqual(["alice"]);
		// A bridge that finds the other one's ghost of that name puts the address behind the name of its own.
		const romeos = names
			.filter((name) => name?.startsWith("Romeo"))
			.map((name) => name?.replace(`${muc}, `, ""));
		expect(romeos).toEqual(["Romeo (owner)", "Romeo (owner)"]);
	});
});
