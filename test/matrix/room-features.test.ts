import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Support } from "../../src/core/capabilities.ts";
import type { RoomId } from "../../src/core/ids.ts";
import { roomFeatures } from "../../src/matrix/room-features.ts";
import { joined, withoutIds } from "../../src/xmpp/capabilities.ts";
import { type Fake, fakeNetwork, until } from "../fakes.ts";
import { type MatrixWorld, matrixWorld } from "./world.ts";

describe("the features of a room", () => {
	test("are those of its other room: whole, in another form, or not at all", () => {
		expect(roomFeatures(joined, true)).toMatchObject({
			formatting: { bold: 2, spoiler: 2 },
			file: { "m.image": { mime_types: { "*/*": 2 }, caption: 2 } },
			...{ reply: 2, thread: 2, edit: 2, delete: 2, reaction: 2, location_message: 2, poll: 1 },
			...{ member_actions: { kick: 2, ban: 2 }, read_receipts: true, typing_notifications: true },
		});
		expect(roomFeatures(withoutIds, true)).toMatchObject({ reply: 1, reaction: 1 });
		expect(roomFeatures({ ...joined, media: "drop", moderation: "drop" }, false)).toMatchObject({
			file: { "m.image": { mime_types: { "*/*": -1 } } },
			read_receipts: false,
		});
		expect(roomFeatures({ ...joined, moderation: "drop" }, true)).not.toHaveProperty("member_actions");
	});
});

describe("the state event of a room's features", () => {
	let world: MatrixWorld;
	let xmpp: Fake;
	let reply: Support;
	beforeEach(async () => {
		reply = "text";
		xmpp = fakeNetwork("xmpp");
		const able = xmpp.capabilities;
		xmpp = Object.assign(xmpp, { capabilities: (room: RoomId) => ({ ...able(room), reply }) });
		world = await matrixWorld({ xmpp, permissions: { "*": "link" } });
	});
	afterEach(() => world.stop());

	const events = (room: { timeline: readonly { type: string; content: object; state_key?: string }[] }) =>
		room.timeline.filter(({ type }) => type === "com.beeper.room_features");

	test("is written once for each change, under the key of the bridge info, and taken back with the link", async () => {
		const { hs, alice, core } = world;
		const room = hs.room(alice);
		await hs.push([hs.member(room, "@trivium:hs.test", "invite", alice)]);
		const says = (body: string) =>
			hs.push([hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body })]);
		await says("!bridge link xmpp verona");
		const written = (count: number) =>
			until(
				() => events(room).length >= count,
				() => JSON.stringify(events(room)),
			);
		await written(1);
		expect(events(room)[0]).toMatchObject({
			state_key: "trivium://xmpp/verona",
			content: { reply: 1, reaction: 2 },
		});
		core.changed(xmpp.name, "verona" as RoomId);
		reply = "native";
		core.changed(xmpp.name, "verona" as RoomId);
		core.changed(xmpp.name, "elsewhere" as RoomId);
		await written(2);
		expect(events(room)[1]?.content).toMatchObject({ reply: 2, reaction: 2 });
		await says("!bridge settings reactions text");
		await written(3);
		expect(events(room)[2]?.content).toMatchObject({ reply: 2, reaction: 1 });
		await says("!bridge unlink xmpp");
		await written(4);
		expect(events(room).map(({ content }) => Object.keys(content).length > 0)).toEqual([
			true,
			true,
			true,
			false,
		]);
	});
});
