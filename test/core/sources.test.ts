import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import { createMemoryJournal } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor, command as typed } from "../bridge.ts";
import { type Fake, fakeNetwork, until } from "../fakes.ts";

let earth: Fake;
let mars: Fake;
let bridge: Running;
let journal = createMemoryJournal();

/** Sends a command in a room of earth and resolves with the answer. */
const command = (text: string, room = "plaza") => typed(bridge, earth, text, { room });

describe("a network whose rooms are sources", () => {
	const reading = (room: string, value: string, preferred: readonly string[] = []) => ({
		kind: "state" as const,
		id: `${room} ${value}` as MessageId,
		room: room as RoomId,
		sender: mars.person("probe"),
		at: Date.now(),
		key: "t",
		label: "temperature",
		value,
		preferred: preferred as RoomId[],
	});
	const mirror = (topic: string) => ({
		here: earth.name,
		room: "plaza" as RoomId,
		there: mars.name,
		topic: topic as RoomId,
	});
	const shown = () => earth.sent.map(({ room, event }) => `${room} ${event.kind === "state" && event.value}`);

	beforeEach(async () => {
		earth = fakeNetwork("earth", { capabilities: () => ({ state: "native" }) });
		mars = fakeNetwork("mars", { sources: true });
		for (const room of ["wide", "narrow", "other"]) mars.rooms.set(room, []);
		journal = createMemoryJournal();
		bridge = bridgeOf([earth, mars], rulesFor({ "*@earth": "admin" }), { journal });
		await bridge.start();
	});

	test("has an event taken from the preferred room where a room is linked to both, and else from the one it came in", async () => {
		await command("link mars wide");
		await command("link mars wide", "market");
		expect(await command("link mars narrow")).toBe(
			"This room shows what comes from The narrow from now on. Nothing that is said here goes there.",
		);
		await mars.bridge.receive([reading("wide", "1", ["narrow"]), reading("narrow", "1")]);
		await mars.bridge.receive([reading("wide", "2")]);
		await until(
			() => earth.sent.length >= 4,
			() => shown().join(", "),
		);
		expect(shown().sort()).toEqual(["market 1", "market 2", "plaza 1", "plaza 2"]);
	});

	test("gets no message from the rooms it is linked to", async () => {
		await command("link mars wide");
		await earth.say("plaza", "ann", "hello");
		expect((await journal.lanes()).length).toBe(0);
		expect(mars.sent).toEqual([]);
	});

	test("refuses only the same source in the same room, from the config or by command", async () => {
		await bridge.mirror([mirror("narrow")], true);
		expect(await command("link mars narrow")).toBe(
			"That did not work: this room shows what comes from The narrow already.",
		);
		await command("link mars wide");
		expect(await command("link mars wide")).toMatch(/this room shows what comes from .* already/);
		expect(await command("link mars wide", "market")).toContain(
			"This room shows what comes from The wide from now on",
		);
	});

	test("has unlink end what a command linked, all or one, and never what the config mirrors", async () => {
		await bridge.mirror([mirror("narrow")], true);
		expect(await command("unlink mars")).toContain("mirrored by the bridge's config");
		await command("link mars wide");
		await command("link mars other");
		expect(await command("unlink mars nowhere")).toBe("This room has no link to nowhere.");
		expect(await command("unlink mars wide")).toBe(
			"This room no longer shows what comes from wide. The mirrors of the bridge's config stay.",
		);
		expect(await command("unlink mars narrow")).toContain("mirrored by the bridge's config");
		expect(await command("unlink mars")).toContain("This room no longer shows what comes from other.");
		expect([...mars.attached]).toEqual(["narrow"]);
	});
});
