import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NetworkName, RoomId } from "../../src/core/ids.ts";
import { roomMark } from "../../src/core/passed-rooms.ts";
import type { Content } from "../../src/matrix/event.ts";
import { lines, until } from "../fakes.ts";
import { type MatrixWorld, matrixWorld } from "./world.ts";

type Room = ReturnType<MatrixWorld["hs"]["room"]>;

const [bot, otherBot] = ["@trivium:hs.test", "@trivium:far.test"];
const otherGhost = "@_xmpp_romeo=40montague.test:far.test";
const verona = { bridgebot: otherBot, protocol: { id: "xmpp" }, channel: { id: "verona" } };

let world: MatrixWorld;
beforeEach(async () => {
	world = await matrixWorld({ permissions: { "*": "link" } });
});
afterEach(() => world.stop());

/** Makes a room with alice, our bot, and the bot and a ghost of another bridge. `info`: the link that that bridge states. */
async function roomOfTwo(info: Content): Promise<Room> {
	const { hs, alice } = world;
	const room = hs.room(alice);
	for (const one of [otherBot, otherGhost]) hs.member(room, one, "join", one);
	await hs.push([
		hs.emit(room, otherBot, "m.bridge", info, { state_key: "verona" }),
		hs.member(room, bot, "invite", alice),
	]);
	expect(room.members.get(bot)).toBe("join");
	return room;
}
async function asked(room: Room, text: string): Promise<string> {
	const { hs, alice } = world;
	const answers = () => room.timeline.filter(({ content }) => content["m.relates_to"] !== undefined);
	const before = answers().length;
	await hs.push([hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: text })]);
	await until(
		() => answers().length > before,
		() => `no answer to ${text}`,
	);
	return String(answers().at(-1)?.content.body);
}

describe("a room that another bridge links", () => {
	test("is not linked to the same room once more, until that bridge ends its link", async () => {
		const { hs } = world;
		const room = await roomOfTwo(verona);
		expect(await asked(room, "!bridge link xmpp verona")).toContain(
			`another bridge, ${otherBot}, has made this very link already`,
		);
		await hs.push([hs.emit(room, otherBot, "m.bridge", {}, { state_key: "verona" })]);
		expect(await asked(room, "!bridge link xmpp verona")).toContain("Linked to The verona");
	});

	test("is linked although that bridge says so, if its bot has left the room", async () => {
		const { hs } = world;
		const room = await roomOfTwo(verona);
		await hs.push([hs.member(room, otherBot, "leave", otherBot)]);
		expect(await asked(room, "!bridge link xmpp verona")).toContain("Linked to The verona");
	});

	test("is linked to another room, and that bridge's ghosts are people like others", async () => {
		const { hs, xmpp } = world;
		const room = await roomOfTwo({ ...verona, channel: { id: "padua" } });
		await asked(room, "!bridge link xmpp verona");
		await hs.push([hs.emit(room, otherGhost, "m.room.message", { msgtype: "m.text", body: "hello" })]);
		await until(
			() => lines(xmpp).length > 0,
			() => "no line",
		);
		expect(lines(xmpp)).toEqual(["_xmpp_romeo=40montague.test: hello"]);
		expect(xmpp.sent.at(-1)?.passed).toEqual([
			roomMark("xmpp" as NetworkName, "padua" as RoomId),
			roomMark("matrix" as NetworkName, room.id as RoomId),
		]);
	});

	test("to the same room does not bring back there the people and the lines of that room", async () => {
		const { hs, xmpp, alice } = world;
		const room = await roomOfTwo({});
		await asked(room, "!bridge link xmpp verona");
		const late = "@_xmpp_juliet=40capulet.test:far.test";
		await hs.push([
			hs.emit(room, otherBot, "m.bridge", verona, { state_key: "verona" }),
			hs.member(room, late, "join", late),
			hs.emit(room, late, "m.room.message", { msgtype: "m.text", body: "from the other bridge" }),
			hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "from alice" }),
		]);
		await until(
			() => lines(xmpp).length > 0,
			() => "no line",
		);
		expect(lines(xmpp)).toEqual(["Alice: from alice"]);
		const joined = xmpp.sent.flatMap(({ event }) => (event.kind === "membership" ? [event.sender.id] : []));
		expect(joined).not.toContain(late);
	});
});

test("a room says no more what it is linked to when the link has ended", async () => {
	const { hs, alice } = world;
	const room = hs.room(alice);
	await hs.push([hs.member(room, bot, "invite", alice)]);
	await asked(room, "!bridge link xmpp verona");
	const said = () => [...room.state.values()].filter(({ type }) => /bridge$/.test(type));
	await until(
		() => said().length === 2,
		() => `${said().length} bridge info events`,
	);
	await asked(room, "!bridge unlink xmpp");
	await until(
		() => said().every(({ content }) => Object.keys(content).length === 0),
		() => JSON.stringify(said()),
	);
});
