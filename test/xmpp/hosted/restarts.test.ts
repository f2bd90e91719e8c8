import { describe, expect, test } from "vitest";
import { alice, facts, hostedWorld, inside, join, juliet, lobby, romeo, xmppPerson } from "./world.ts";

/** Returns the next run of the bridge, with the store and the source that an earlier one has left. */
async function next(earlier: Awaited<ReturnType<typeof inside>>) {
	const world = hostedWorld(earlier.source.members);
	for (const [key, value] of earlier.cursors) world.cursors.set(key, value);
	world.source.facts = earlier.source.facts;
	await world.start();
	return world;
}
const later = async (world: Awaited<ReturnType<typeof next>>) => {
	world.clock.at += 11 * 60_000;
	world.sweep();
	await world.settle();
};
const lost = (nick: string) =>
	`presence unavailable ${nick} none/none (The bridge lost the link to your client. Join again.) 110 333`;

describe("after a kill", () => {
	test("every client that was in is told once that it is out", async () => {
		const world = await next(await inside());
		world.conversation.online();
		await world.settle();
		expect(world.got(romeo)).toEqual([lost("Romeo")]);
		expect(world.got(juliet)).toEqual([lost("Juliet")]);
		const again = await next(world);
		again.conversation.online();
		await again.settle();
		expect(again.sent).toEqual([]);
		await world.conversation.stop();
		await again.conversation.stop();
	});

	test("people who do not come back within ten minutes leave the room", async () => {
		const world = await next(await inside());
		await world.join(juliet, "Juliet");
		await later(world);
		expect(world.source.members.map(({ id }) => id)).toEqual([alice.id, "juliet@capulet.test"]);
		expect(world.stored()).toEqual([`xmpp session ${lobby} ${juliet}`]);
		const person = xmppPerson(romeo, "Romeo");
		world.happens(person, { kind: "member", person, now: "out" });
		expect(world.got(juliet).at(-1)).toBe("presence unavailable Romeo none/none");
	});

	test("people of a room for the invited stay in it", async () => {
		const earlier = await inside();
		earlier.source.facts = { ...facts, entry: "invited" };
		const world = await next(earlier);
		await later(world);
		expect(world.source.members).toHaveLength(3);
		expect(world.stored()).toEqual([]);
	});

	test("a client that has come back by itself is not told that it is out", async () => {
		const world = await next(await inside());
		await world.join(romeo, "Romeo");
		world.got(romeo);
		world.conversation.online();
		await world.settle();
		expect(world.got(romeo)).toEqual([]);
		await later(world);
		expect(world.source.members.map(({ id }) => id)).toContain("romeo@montague.test");
		await world.conversation.stop();
	});
});

describe("a stop", () => {
	test("is told to every client, and to none of them again at the next start", async () => {
		const earlier = await inside();
		await earlier.conversation.stop();
		expect(earlier.got(romeo)).toEqual([
			"presence unavailable Romeo none/none (The bridge is just restarting. Your client joins again by itself.) 110 332",
		]);
		const world = await next(earlier);
		world.conversation.online();
		await world.settle();
		expect(world.sent).toEqual([]);
		await later(world);
		expect(world.source.members).toEqual([alice]);
		await world.conversation.stop();
	});

	test("answers the joins that are under way", async () => {
		const world = hostedWorld();
		await world.start();
		world.source.look = () => new Promise(() => undefined);
		void world.join(romeo, "Romeo");
		await world.settle();
		await world.conversation.stop();
		expect(world.got(romeo)).toEqual(["presence error Romeo wait/remote-server-timeout"]);
	});
});

describe("after a break of the link to the XMPP server", () => {
	test("every client is told that it is out, and gets nothing more until it joins again", async () => {
		const world = await inside();
		world.conversation.offline();
		world.happens(alice, { kind: "facts", facts: { ...facts, name: "New" } });
		expect(world.sent).toEqual([]);
		world.conversation.online();
		await world.settle();
		expect(world.got(romeo)).toEqual([lost("Romeo")]);
		expect(world.got(juliet)).toEqual([lost("Juliet")]);
		await world.join(romeo, "Romeo");
		expect(world.got(romeo)).toEqual([
			"presence Alice none/participant",
			"presence Juliet none/participant away",
			"presence Romeo none/participant 100 110 170",
			"message subject Welcome",
		]);
		await later(world);
		expect(world.source.members.map(({ id }) => id)).toEqual([alice.id, "romeo@montague.test"]);
		await world.conversation.stop();
	});

	test("a client that the link is too slow for comes back to a room that it has not left", async () => {
		const world = await inside();
		world.link.taken = () => ({ bytes: 100 * 1_048_576, taken: taken.promise });
		const taken = Promise.withResolvers<void>();
		for (let n = 0; n < 2; n++)
			world.happens(alice, { kind: "facts", facts: { ...facts, name: `Name ${n}` } });
		world.link.taken = () => ({ bytes: 0, taken: Promise.resolve() });
		taken.resolve();
		await world.settle();
		expect(world.got(romeo)).toEqual(["message 104", lost("Romeo")]);
		expect(world.calls.some((call) => call.startsWith("leave"))).toBe(false);
		await world.join(romeo, "Romeo");
		expect(world.got(romeo).at(-1)).toBe("message subject Welcome");
		await later(world);
		expect(world.source.members.map(({ id }) => id)).toEqual([alice.id, "romeo@montague.test"]);
	});

	test("a client whose join was under way is told to try again, unless it has done so", async () => {
		const world = hostedWorld();
		await world.start();
		const slow = Promise.withResolvers<undefined>();
		world.source.enter = async () => {
			await slow.promise;
			return { kind: "in" };
		};
		for (const [jid, nick] of [
			[romeo, "Romeo"],
			[juliet, "Juliet"],
		] as const)
			world.take(join(jid, nick));
		await world.settle();
		world.conversation.offline();
		slow.resolve(undefined);
		await world.settle();
		expect(world.sent).toEqual([]);
		await world.join(juliet, "Juliet");
		world.got(juliet);
		world.conversation.online();
		await world.settle();
		expect(world.got(romeo)).toEqual(["presence error Romeo wait/remote-server-timeout"]);
		expect(world.got(juliet)).toEqual([]);
		await world.conversation.stop();
	});
});
