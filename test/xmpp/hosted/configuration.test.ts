import { describe, expect, test } from "vitest";
import type { RoomFacts } from "../../../src/core/hosting.ts";
import { alice, facts, hostedWorld, juliet, lobby, romeo, view } from "./world.ts";

async function inside() {
	const world = hostedWorld();
	await world.start();
	await world.join(romeo, "Romeo");
	await world.join(juliet, "Juliet", view);
	world.got(romeo);
	world.got(juliet);
	const become = (more: Partial<RoomFacts>) =>
		world.happens(alice, { kind: "facts", facts: { ...facts, ...more } });
	return { ...world, become };
}

describe("a change of a room", () => {
	test.each<[string, Partial<RoomFacts>]>([
		["name", { name: "The Hall" }],
		["picture", { picture: "mxc://hs.test/1" }],
		["place in the directory", { listed: false }],
	])("of its %s is told, so that clients ask again", async (_, more) => {
		const world = await inside();
		world.become(more);
		expect(world.got(romeo)).toEqual(["message 104"]);
		expect(world.sent.map(({ attrs: { to, from, type } }) => [to, from, type])).toEqual([
			[juliet, view, "groupchat"],
		]);
	});

	test("is not told where clients need not know it", async () => {
		const world = await inside();
		world.become({ count: 7 });
		expect(world.got(romeo)).toEqual([]);
	});

	test("ends the room for XMPP when it turns encryption on, with the reason", async () => {
		const world = await inside();
		world.become({ unfit: "encrypted" });
		const [end] = world.sent.filter(({ attrs }) => attrs.to === romeo);
		const destroy = end?.getChild("x", "http://jabber.org/protocol/muc#user")?.getChild("destroy");
		expect(destroy?.getChild("reason")?.getText()).toMatch(/encrypted/);
		expect(world.got(romeo)).toEqual(["presence unavailable Romeo none/none destroyed 110"]);
		expect(world.got(juliet)).toEqual(["presence unavailable Juliet none/none destroyed 110"]);
		await world.settle();
		expect(world.calls.filter((call) => call.startsWith("leave"))).toHaveLength(2);
		expect(world.stored()).toEqual([]);
	});

	test("into another room leads everybody there", async () => {
		const world = await inside();
		world.become({ successor: { kind: "id", id: "next" } });
		expect(world.got(romeo)).toEqual([
			"presence unavailable Romeo none/none destroyed !next@bridge.test 110",
		]);
		world.take(`<message from='${romeo}' to='${lobby}' type='groupchat'><body>hi</body></message>`);
		expect(world.got(romeo)).toEqual(["message error modify/not-acceptable"]);
	});
});
