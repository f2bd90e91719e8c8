import { describe, expect, test } from "vitest";
import type { NetworkName, RoomId } from "../../src/core/ids.ts";
import type { Log } from "../../src/core/log.ts";
import { mostPassed, roomMark } from "../../src/core/passed-rooms.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, quiet, until } from "../fakes.ts";

const rules = rulesFor({ "*": "link" });
const mark = (network: string, room: string) => roomMark(network as NetworkName, room as RoomId);

/** Starts a bridge that links `plaza` of earth to `garden` of mars. `warned`: the lines of its log. */
async function started() {
	const [earth, mars] = [fakeNetwork("earth"), fakeNetwork("mars")];
	const warned: string[] = [];
	const log: Log = { ...quiet, warn: (_fields, message) => void warned.push(message), child: () => log };
	const bridge = bridgeOf([earth, mars], rules, { log });
	await bridge.start();
	for (const [fake, room] of [
		[earth, "plaza"],
		[mars, "garden"],
	] as const)
		fake.rooms.set(room, []);
	await command(bridge, earth, "link mars garden");
	return { earth, mars, bridge, warned };
}
const arrives = (fake: Fake, line: string) =>
	until(
		() => lines(fake).includes(line),
		() => lines(fake).join(),
	);

describe("an event that other bridges carried", () => {
	test("goes on with the marks of the rooms that it passed, and that of its own room", async () => {
		const { earth, mars, bridge } = await started();
		await earth.say("plaza", "ann", "from far away", { passed: [mark("mars", "desert")] });
		await arrives(mars, "ann: from far away");
		expect(mars.sent.at(-1)?.passed).toEqual([mark("mars", "desert"), mark("earth", "plaza")]);
		await bridge.stop(100);
	});

	test("does not return to a room that it has passed, and the log says why once", async () => {
		const { earth, mars, bridge, warned } = await started();
		for (const text of ["one", "two"])
			await earth.say("plaza", "ann", text, { passed: [mark("mars", "garden")] });
		await earth.say("plaza", "ann", "three");
		await arrives(mars, "ann: three");
		expect(lines(mars)).toEqual(["ann: three"]);
		expect(warned).toEqual([
			"an event does not return to a room that it has passed: another bridge links the same rooms",
		]);
		expect(earth.refused).toEqual([]);
		await bridge.stop(100);
	});

	test("goes no further after five rooms", async () => {
		const { earth, mars, bridge, warned } = await started();
		const rooms = Array.from({ length: mostPassed }, (_, n) => mark("venus", `room ${n}`));
		await earth.say("plaza", "ann", "the fifth", { passed: rooms.slice(1) });
		await earth.say("plaza", "ann", "the sixth", { passed: rooms });
		await earth.say("plaza", "ann", "the end");
		await arrives(mars, "ann: the end");
		expect(lines(mars)).toEqual(["ann: the fifth", "ann: the end"]);
		expect(warned).toEqual([
			"an event has passed too many rooms and goes no further: some bridges form a circle",
		]);
		await bridge.stop(100);
	});
});

test("two bridges that link the same two rooms show a message once each, and then it rests", async () => {
	const [one, other] = [await started(), await started()];
	/** Hands to a bridge what the other one has sent into the rooms since the last call, as those rooms show it. */
	const carry = async (from: typeof one, to: typeof one) => {
		let count = 0;
		for (const name of ["earth", "mars"] as const)
			for (const { event, room, passed } of from[name].sent.splice(0)) {
				if (event.kind !== "message") continue;
				await to[name].say(room, `the ghost of ${event.sender.name}`, event.text, { passed });
				count++;
			}
		return count;
	};
	for (const { earth } of [one, other]) await earth.say("plaza", "ann", "hello");
	await arrives(one.mars, "ann: hello");
	await arrives(other.mars, "ann: hello");
	expect(await carry(one, other)).toBe(1);
	expect(await carry(other, one)).toBe(1);
	for (const { earth } of [one, other]) await earth.say("plaza", "ann", "the end");
	await arrives(one.mars, "ann: the end");
	await arrives(other.mars, "ann: the end");
	expect([...lines(one.mars), ...lines(one.earth), ...lines(other.mars), ...lines(other.earth)]).toEqual([
		"ann: the end",
		"ann: the end",
	]);
	await Promise.all([one, other].map(({ bridge }) => bridge.stop(100)));
});

test("a room is not linked to the view of it that another bridge has made", async () => {
	const info = { room: "view" as RoomId, name: "The View", shows: mark("earth", "plaza") };
	const mars = fakeNetwork("mars", { findRoom: async () => info });
	const earth = fakeNetwork("earth");
	const bridge = bridgeOf([earth, mars], rules);
	await bridge.start();
	expect(await command(bridge, earth, "link mars view")).toContain(
		"The View shows this very room, through another bridge",
	);
	expect(await command(bridge, earth, "link mars view", { room: "market" })).toContain("Linked to The View");
	await bridge.stop(100);
});
