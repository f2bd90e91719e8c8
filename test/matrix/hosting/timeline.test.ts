import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../fakes.ts";
import { hostedWorld } from "./world.ts";

let world: Awaited<ReturnType<typeof hostedWorld>>;
let room: ReturnType<typeof world.room>;
const ghost = "@_xmpp_romeo:hs.test";

beforeEach(async () => {
	world = await hostedWorld();
	room = world.room();
	expect(await world.enter(room.id)).toEqual({ kind: "in" });
	await world.hs.push(room.timeline.slice(-1));
	expect(world.lines()).toEqual(["Romeo (xmpp) is in"]);
	world.reflected.length = 0;
});
afterEach(() => world.stop());

const shows = (...lines: string[]) =>
	until(
		() => world.reflected.length >= lines.length,
		() => JSON.stringify(world.lines()),
	).then(() => expect(world.lines()).toEqual(lines));

describe("a hosted room shows", () => {
	test("what Matrix people and XMPP people say, in the order of the homeserver, with the ids of the latter", async () => {
		const { hs, alice, xmpp } = world;
		await xmpp.say(`view of ${room.id}`, "romeo", "good morrow");
		await until(
			() => room.timeline.some(({ sender, type }) => sender === ghost && type === "m.room.message"),
			() => JSON.stringify(room.timeline),
		);
		const said = hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "hello" });
		await hs.push([
			said,
			...room.timeline.filter(({ sender, type }) => sender === ghost && type !== "m.room.member"),
		]);
		await shows("Alice: message hello", expect.stringMatching(/^Romeo: message good morrow \(xmpp-1/));
		expect(world.reflected[1]).toMatchObject({
			room: room.id,
			sender: { network: "xmpp", address: ["romeo"] },
		});
	});
});
