import { expect, test, vi } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { RoomId } from "../../src/core/ids.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { fakeNetwork, until } from "../fakes.ts";

const [plaza, market] = ["plaza" as RoomId, "market" as RoomId];

/** Returns a bridge whose room "plaza" of the earth is linked to a room of the sky, with two people on each side. */
async function linked() {
	const [earth, sky] = [fakeNetwork("earth"), fakeNetwork("sky")];
	const stores = { mapping: createMemoryMapping(), journal: createMemoryJournal() };
	const begin = () => bridgeOf([earth, sky], rulesFor({ "*": "link" }, { membersMirrored: 50 }), stores);
	const core = begin();
	sky.rooms.set("verona", [sky.person("romeo"), sky.person("tybalt")]);
	earth.rooms.set("plaza", [earth.person("ann"), earth.person("bob")]);
	await core.start();
	await command(core, earth, "link sky verona");
	await sky.bridge.sync(sky.name, "verona" as RoomId, await sky.members("verona" as RoomId));
	await until(
		() => earth.sent.length === 2 && sky.sent.length === 2,
		() => "not mirrored yet",
	);
	return { earth, sky, ...stores, core, begin };
}
const moves = (sent: ReturnType<typeof fakeNetwork>["sent"]) =>
	sent.flatMap(({ event, room }) =>
		event.kind === "membership" ? [`${event.sender.name} ${event.change} ${room}`] : [],
	);

test("a room that is replaced takes link, settings and people along; people who stay behind leave the others later", async () => {
	vi.useFakeTimers({ toFake: ["setTimeout"], shouldAdvanceTime: true });
	const { earth, sky, mapping, core } = await linked();
	await command(core, earth, "settings reactions text");
	const [before] = await mapping.portals();
	earth.rooms.set("market", [earth.person("ann")]);
	await earth.bridge.moved(earth.name, plaza, market);
	const [now] = await mapping.portals();
	expect(now?.links.map(({ id, room }) => [id, room])).toEqual(
		before?.links.map(({ id, room }) => [id, room === plaza ? market : room]),
	);
	expect(now?.settings).toEqual({ reactions: "text" });
	expect([...earth.attached]).toEqual(["market"]);
	await until(
		() => earth.sent.length === 4,
		() => JSON.stringify(moves(earth.sent)),
	);
	expect(moves(earth.sent).slice(2).sort()).toEqual(["romeo join market", "tybalt join market"]);
	await earth.say("market", "ann", "here we are");
	await until(
		() => sky.sent.some(({ event }) => event.kind === "message"),
		() => "not said",
	);
	expect(moves(sky.sent)).not.toContain("bob leave verona");
	await vi.advanceTimersByTimeAsync(5 * 60_000);
	await until(
		() => moves(sky.sent).includes("bob leave verona"),
		() => JSON.stringify(moves(sky.sent)),
	);
	expect(moves(sky.sent)).not.toContain("ann leave verona");
	vi.useRealTimers();
	await core.stop(1_000);
});

test("people who stay behind leave the other rooms also after a restart, once their network answers, from the first room of several too", async () => {
	vi.useFakeTimers({ toFake: ["setTimeout", "Date"], shouldAdvanceTime: true });
	const { earth, sky, journal, core, begin } = await linked();
	earth.rooms.set("market", [earth.person("ann"), earth.person("bob"), earth.person("cat")]);
	await earth.say("market", "cat", "not linked yet");
	await earth.bridge.moved(earth.name, plaza, market);
	await earth.bridge.sync(earth.name, market, [earth.person("ann"), earth.person("cat")]);
	earth.rooms.set("forum", [earth.person("ann")]);
	await earth.bridge.moved(earth.name, market, "forum" as RoomId);
	await core.stop(1_000);
	vi.clearAllTimers();
	vi.setSystemTime(Date.now() + 4 * 60_000);
	const { members } = earth;
	let asked = 0;
	earth.members = async (room) => {
		if (++asked === 1) throw new TemporaryError("away");
		return members(room);
	};
	const next = begin();
	await next.start();
	await vi.advanceTimersByTimeAsync(50_000);
	expect(asked).toBe(0);
	await vi.advanceTimersByTimeAsync(20_000);
	expect(asked).toBe(1);
	expect(moves(sky.sent)).not.toContain("bob leave verona");
	await vi.advanceTimersByTimeAsync(60_000);
	await until(
		() => ["bob", "cat"].every((name) => moves(sky.sent).includes(`${name} leave verona`)),
		() => JSON.stringify(moves(sky.sent)),
	);
	expect(moves(sky.sent)).not.toContain("ann leave verona");
	await expect.poll(() => journal.cursors("followers ")).toEqual([]);
	vi.useRealTimers();
	await next.stop(1_000);
});

test("people who followed stay after a long outage, though their network knows them only some time after its start", async () => {
	vi.useFakeTimers({ toFake: ["setTimeout", "Date"], shouldAdvanceTime: true });
	const { earth, sky, journal, core, begin } = await linked();
	earth.rooms.set("market", [earth.person("ann")]);
	await earth.bridge.moved(earth.name, plaza, market);
	await core.stop(1_000);
	vi.clearAllTimers();
	vi.setSystemTime(Date.now() + 60 * 60_000);
	earth.rooms.set("market", []);
	const next = begin();
	await next.start();
	await vi.advanceTimersByTimeAsync(30_000);
	earth.rooms.set("market", [earth.person("ann")]);
	await vi.advanceTimersByTimeAsync(60_000);
	await until(
		() => moves(sky.sent).includes("bob leave verona"),
		() => JSON.stringify(moves(sky.sent)),
	);
	expect(moves(sky.sent)).not.toContain("ann leave verona");
	await expect.poll(() => journal.cursors("followers ")).toEqual([]);
	vi.useRealTimers();
	await next.stop(1_000);
});

test("a room does not move to one that is in a portal, and a room in none moves nowhere", async () => {
	const { earth, mapping, core } = await linked();
	const before = await mapping.portals();
	await earth.bridge.moved(earth.name, "elsewhere" as RoomId, market);
	await earth.bridge.moved(earth.name, plaza, plaza);
	expect(await mapping.portals()).toEqual(before);
	await core.stop(1_000);
});

test("a portal still knows the people of its rooms after a move that is not made", async () => {
	const { earth, sky, core } = await linked();
	expect(await earth.bridge.moved(earth.name, plaza, plaza)).toBe(false);
	await sky.bridge.sync(sky.name, "verona" as RoomId, [sky.person("tybalt")]);
	await until(
		() => moves(earth.sent).includes("romeo leave plaza"),
		() => JSON.stringify(moves(earth.sent)),
	);
	await core.stop(1_000);
});

test("a room goes on with the one in place of a closed one when a person who may change it confirms that", async () => {
	const { earth, sky, mapping, core } = await linked();
	expect(await command(core, earth, "follow")).toContain("was closed");
	sky.rooms.set("mantua", []);
	sky.successor = async ({ room }) => (room === "verona" ? ["mantua"] : undefined);
	expect(await command(core, earth, "follow", { mayChangeRoom: false })).toContain("need the right");
	expect([...sky.attached]).toEqual(["verona"]);
	expect(await command(core, earth, "follow")).toContain("Linked to The mantua");
	expect([...sky.attached]).toEqual(["mantua"]);
	const [portal] = await mapping.portals();
	expect(portal?.links.map(({ room }) => room)).toEqual(["plaza", "mantua"]);
	await until(
		() => moves(sky.sent).includes("ann join mantua"),
		() => JSON.stringify(moves(sky.sent)),
	);
	await core.stop(1_000);
});
