import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../fakes.ts";
import { type MatrixWorld, matrixWorld } from "./world.ts";

let world: MatrixWorld;
let room: NonNullable<ReturnType<MatrixWorld["hs"]["find"]>>;

beforeEach(async () => {
	world = await matrixWorld({ permissions: { "*": "link" } });
	const { hs, alice } = world;
	await hs.ask("GET", `/_matrix/app/v1/rooms/${encodeURIComponent("#_xmpp_verona:hs.test")}`);
	room = hs.find("#_xmpp_verona:hs.test") as typeof room;
	await hs.push([hs.member(room, alice, "join")]);
});
afterEach(() => world.stop());

/** Has Alice replace the room by a new one, which names `predecessor`. */
async function replace(predecessor: string, joinable = true) {
	const { hs, alice } = world;
	const next = hs.room(alice, { preset: joinable ? "public_chat" : "private_chat" });
	next.state.set("m.room.create ", {
		...{ type: "m.room.create", key: "", sender: alice },
		content: { room_version: "11", predecessor: { room_id: predecessor, event_id: "$last" } },
	});
	const content = { body: "replaced", replacement_room: next.id };
	await hs.push([hs.emit(room, alice, "m.room.tombstone", content, { state_key: "" })]);
	return next;
}
/** Resolves when the MUC has read what Alice says in a room. */
async function crosses(where: typeof room, text: string): Promise<void> {
	const { hs, alice, xmpp } = world;
	await hs.push([hs.emit(where, alice, "m.room.message", { msgtype: "m.text", body: text })]);
	await until(
		() => xmpp.sent.some(({ event }) => "text" in event && event.text === text),
		() => `not said: ${text}`,
	);
}
const inside = (where: typeof room, mxid = "@trivium:hs.test") => where.members.get(mxid) === "join";

describe("a room that is replaced", () => {
	test("is followed by the bot and its portal", async () => {
		const next = await replace(room.id);
		await until(
			() => inside(next),
			() => "not there",
		);
		await crosses(next, "here");
	});

	test("is not followed to a room that does not name it", async () => {
		const next = await replace("!another:hs.test");
		await until(
			() => inside(next),
			() => "not there",
		);
		await crosses(room, "still here");
	});

	test("is followed once the bot is invited to a room that it may not enter by itself", async () => {
		const { hs, alice } = world;
		const next = await replace(room.id, false);
		await until(
			() =>
				room.timeline.some(({ content }) => String(content.body).includes("Invite @trivium:hs.test there")),
			() => "not told",
		);
		expect(inside(next)).toBe(false);
		await hs.push([hs.member(next, "@trivium:hs.test", "invite", alice)]);
		await until(
			() => inside(next),
			() => "not there",
		);
		await crosses(next, "here");
	});
});
