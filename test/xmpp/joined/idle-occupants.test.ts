import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { alice, link, person, room, type World, world } from "./muc-world.ts";

const idleAfter = 60_000;
const bob = person("bob", "Bob");
/** The keys on disk of those that left. */
const kept = (w: World) => [...w.disk.cursors.keys()].filter((key) => key.startsWith("idle "));
const nicks = (w: World) => [...w.muc.occupants.keys()].sort();

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

/** Resolves with a MUC in which Alice and Bob are occupants. */
async function linked(given: { idleAfter?: number } = { idleAfter }): Promise<World> {
	const w = world({}, 50, given.idleAfter);
	await w.attach(alice, bob);
	w.rooms.online();
	await w.settle();
	expect(nicks(w)).toEqual(["Alice", "Bob", "Trivium"]);
	return w;
}

describe("the occupant of a silent person", () => {
	test("leaves after the time of the config, and the listener stays", async () => {
		const w = await linked();
		await w.pass(idleAfter - 20_000);
		await w.done(w.say("still here", bob));
		await w.pass(40_000);
		expect(nicks(w)).toEqual(["Bob", "Trivium"]);
		await w.pass(2 * idleAfter);
		expect(nicks(w)).toEqual(["Trivium"]);
		w.muc.come("Romeo");
		w.muc.say("Romeo", "anybody?");
		await w.settle();
		expect(w.lines()).toEqual(["Romeo: anybody?"]);
	});

	test("joins again with the next line of its person, which it says itself", async () => {
		const w = await linked();
		await w.pass(2 * idleAfter);
		await w.done(w.say("back"));
		expect(nicks(w)).toEqual(["Alice", "Trivium"]);
		expect(w.bodies()).toEqual(["alice: back"]);
	});

	test("does not come back with a restart, but with a line after it", async () => {
		const w = await linked();
		await w.pass(40_000);
		await w.done(w.say("still here", bob));
		await w.pass(40_000);
		expect(nicks(w)).toEqual(["Bob", "Trivium"]);
		w.crash();
		await w.attach(alice, bob);
		w.rooms.online();
		await w.settle();
		expect(nicks(w)).toEqual(["Bob", "Trivium"]);
		await w.done(w.say("back"));
		expect(nicks(w)).toEqual(["Alice", "Bob", "Trivium"]);
		expect(kept(w)).toEqual([]);
	});

	test("stays while nobody else hears the MUC for the bridge", async () => {
		const w = await linked();
		w.muc.faults.refuse = (nick) => (nick === "Trivium" ? ["wait", "service-unavailable"] : undefined);
		w.muc.kick("Trivium", ["333"]);
		await w.pass(2 * idleAfter);
		expect(nicks(w)).toHaveLength(1);
		w.muc.come("Romeo");
		w.muc.say("Romeo", "anybody?");
		await w.settle();
		expect(w.lines()).toEqual(["Romeo: anybody?"]);
	});

	test("is forgotten with the link", async () => {
		const w = await linked();
		await w.pass(2 * idleAfter);
		expect(kept(w)).toHaveLength(2);
		await w.done(w.rooms.detach(link));
		expect(kept(w)).toEqual([]);
	});

	test("stays while its person types, and for ever without that setting", async () => {
		const w = await linked();
		await w.pass(40_000);
		const signal = { kind: "typing", room: "!r", sender: alice, active: true };
		await w.done(w.rooms.signal({ room, ids: [], signal } as never));
		await w.pass(40_000);
		expect(nicks(w)).toEqual(["Alice", "Trivium"]);
		const forever = await linked({});
		await forever.pass(10 * idleAfter);
		expect(nicks(forever)).toEqual(["Alice", "Bob", "Trivium"]);
	});
});
