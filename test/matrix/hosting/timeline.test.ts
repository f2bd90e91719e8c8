import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { quiet, until } from "../../fakes.ts";
import { hostedWorld } from "./world.ts";

let world: Awaited<ReturnType<typeof hostedWorld>>;
let room: ReturnType<typeof world.room>;
const ghost = "@_xmpp_romeo:hs.test";

beforeEach(async () => {
	world = await hostedWorld();
	room = world.room();
	expect(await world.enter(room.id)).toEqual({ kind: "in" });
	// The name is the ghost's own once the members can be read.
	await world.hs.push(room.timeline.slice(-2));
	expect(world.lines()).toEqual(["Romeo (romeo) (xmpp) is in", "Romeo (xmpp) is profile"]);
	world.reflected.length = 0;
});
afterEach(() => world.stop());

const shows = (...lines: string[]) =>
	until(
		() => world.reflected.length >= lines.length,
		() => JSON.stringify(world.lines()),
	).then(() => expect(world.lines()).toEqual(lines));

describe("a hosted room shows", () => {
	test("shows what Matrix people and XMPP people say, in the order of the homeserver, with the ids of the latter", async () => {
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

	test("an invitation of a ghost once, also if the homeserver repeats it, and brings it to its person", async () => {
		const { hs, alice, invited } = world;
		// Juliet's ghost has no account yet, and Romeo's has one.
		const juliet = hs.member(room, "@_xmpp_juliet:hs.test", "invite", alice, { reason: "come" });
		await world.hosting.leave(room.id as never, world.romeo);
		const again = hs.member(room, ghost, "invite", alice);
		await hs.push([juliet, again]);
		await hs.push([juliet, again]);
		await shows("juliet (xmpp) is invited by Alice: come", "Romeo (xmpp) is invited by Alice");
		await until(
			() => invited.length > 0,
			() => "no invitation came",
		);
		expect(invited[0]).toMatch(/^Alice invites (juliet to .*: come|Romeo to .*: undefined)$/);
		expect(room.members.get("@_xmpp_juliet:hs.test")).toBe("invite");
	});

	test("nothing of what a view is not to show: a message of the bridge's own marks, and settings", async () => {
		const { hs, alice } = world;
		await hs.push([
			hs.emit(room, alice, "m.room.server_acl", { deny: ["evil.test"] }, { state_key: "" }),
			hs.emit(room, alice, "m.call.candidates", {}),
			hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "after" }),
		]);
		await shows("Alice: message after");
	});

	test("no ghost saying what the bridge has to say, when a sender cannot be told otherwise", async () => {
		const { hs, alice, side } = world;
		const event = hs.emit(room, alice, "m.room.encrypted", { algorithm: "m.megolm.v1.aes-sha2" });
		const before = room.timeline.length;
		await hs.push([event]);
		expect(room.timeline).toHaveLength(before);
		expect(side.status().up).toBe(true);
	});
});

test("an invitation into a private room that refused the ghost before causes no warning", async () => {
	const warned: string[] = [];
	const other = await hostedWorld({
		log: { ...quiet, warn: (_: object, message: string) => void warned.push(message) },
	});
	try {
		const closed = other.room({ preset: "private_chat" });
		expect(await other.enter(closed.id)).toMatchObject({ kind: "refused", why: "invited-only" });
		await other.hs.push([other.hs.member(closed, ghost, "invite", other.alice)]);
		await until(
			() => other.hs.asked("GET", /joined_members$/).length > 0,
			() => "nobody reads the members",
		);
		await until(
			() => other.invited.length > 0,
			() => "no invitation came",
		);
		expect(warned).toEqual([]);
	} finally {
		await other.stop();
	}
});

test("a hosted room that ends is left by all ghosts, also after a restart of the bridge", async () => {
	const { core, hs } = world;
	const portal = await core.portal("matrix" as never, room.id as never);
	if (!portal) throw new Error("the room has no portal");
	await core.close(portal);
	expect(hs.rooms.get(room.id)?.members.get(ghost)).toBe("leave");
});
