import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { MessageId } from "../../src/core/ids.ts";
import type { Meter } from "../../src/core/meter.ts";
import { createMemoryJournal } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { eventually } from "../eventually.ts";
import { type Fake, fakeNetwork, lines, until } from "../fakes.ts";

let earth: Fake;
let mars: Fake;
let bridge: Running;
let journal: ReturnType<typeof createMemoryJournal>;
let counted: string[];

beforeEach(async () => {
	earth = fakeNetwork("earth");
	mars = fakeNetwork("mars");
	for (const room of ["crater", "valley"]) mars.rooms.set(room, []);
	counted = [];
	const meter: Meter = {
		received: (from, kind, again) => counted.push(`${from} ${kind}${again ? " again" : ""}`),
		delivered: (from, to, kind, how) => counted.push(`${from} to ${to} ${kind} ${how}`),
		retried: (from) => counted.push(`${from} retried`),
		refused: (from, kind) => counted.push(`${from} ${kind} refused`),
		limited: (from, kind) => counted.push(`${from} ${kind} limited`),
		filtered: (from, reason) => counted.push(`${from} ${reason} filtered`),
		merged: (from) => counted.push(`${from} merged`),
	};
	journal = createMemoryJournal();
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "link", "admin@*": "admin" }), {
		journal,
		meter,
		laneRows: 3,
	});
	await bridge.start();
	await admin("link mars crater");
});

/** A command of the admin: in a chat with the bot where it is to tell of all rooms. */
const admin = (text: string, who = "admin", room = "plaza") =>
	command(bridge, earth, text, { who, room, alone: text === "dead" });
const refusing = (sentence: string) => () => Promise.reject(new PermanentError("failed", sentence));
const seen = (...expected: string[]) =>
	until(
		() => lines(mars).length >= expected.length,
		() => lines(mars).join(" | "),
	).then(() => expect(lines(mars)).toEqual(expected));
const refused = (number: number) =>
	until(
		() => earth.refused.length >= number,
		() => `${earth.refused.length} refused`,
	);

describe("a dead letter", () => {
	test("is listed with its sender, target, time and reason", async () => {
		expect(await admin("dead")).toBe("Everything was delivered.");
		mars.trouble = refusing("the dome is closed.");
		await earth.say("plaza", "ann", "hello");
		await refused(1);
		expect(await admin("dead")).toMatch(
			/^Not delivered: 1\. The latest:\n\d{4}-\d\d-\d\dT[\d:.]+Z ann \(ann@earth\) to MARS crater: the dome is closed\.$/,
		);
	});

	test("is delivered again by the admin's retry command, in the original order", async () => {
		mars.trouble = refusing("the dome is closed.");
		for (const text of ["one", "two", "three"]) await earth.say("plaza", "ann", text);
		await refused(3);
		mars.trouble = () => Promise.resolve();
		expect(await admin("retry")).toBe("On the way again: 3.");
		await seen("ann: one", "ann: two", "ann: three");
		expect(await admin("dead")).toBe("Everything was delivered.");
		expect(await admin("retry")).toBe("There is nothing to deliver again.");
	});

	test("is retried for its own room, or for all rooms", async () => {
		await admin("link mars valley", "admin", "market");
		mars.trouble = refusing("the dome is closed.");
		await earth.say("plaza", "ann", "in the plaza");
		await earth.say("market", "ann", "in the market");
		await refused(2);
		mars.trouble = () => Promise.resolve();
		expect(await admin("retry", "admin", "market")).toBe("On the way again: 1.");
		await seen("ann: in the market");
		expect(await admin("retry all")).toBe("On the way again: 1.");
		await seen("ann: in the market", "ann: in the plaza");
		expect(await admin("retry some")).toContain("retry [all]");
		expect(await admin("retry", "admin", "nowhere")).toBe("This room is not bridged.");
	});

	test("is listed and retried for admins only", async () => {
		for (const name of ["dead", "retry"]) expect(await admin(name, "ann")).toContain("you may not");
	});
});

describe("a full lane", () => {
	test("refuses one row too many with a notice at once, and delivers the others", async () => {
		mars.trouble = () => Promise.reject(new TemporaryError("away"));
		for (const text of ["one", "two", "three", "four", "five"]) await earth.say("plaza", "ann", text);
		await refused(2);
		const told = earth.refused.map(({ event, sentence }) => [event.id, sentence]);
		expect(told.map(([, sentence]) => sentence)).toEqual(
			Array(2).fill("too much waits to be delivered there already. Try again later."),
		);
		mars.trouble = () => Promise.resolve();
		bridge.resume(mars.name);
		await seen("ann: one", "ann: two", "ann: three");
		await earth.say("plaza", "ann", "six");
		await seen("ann: one", "ann: two", "ann: three", "ann: six");
	});

	test("has the dead letter of a refused row on disk before the source server gets its acknowledgement", async () => {
		mars.trouble = () => Promise.reject(new TemporaryError("away"));
		const { refuse } = journal;
		journal.refuse = (...letter) => sleep(20).then(() => refuse(...letter));
		for (const text of ["one", "two", "three", "four", "five"]) await earth.say("plaza", "ann", text);
		expect((await journal.stats()).dead).toBe(2);
	});

	test("takes no space from another room's lane", async () => {
		await admin("link mars valley", "admin", "market");
		mars.trouble = ({ room }) =>
			room === "crater" ? Promise.reject(new TemporaryError("away")) : Promise.resolve();
		for (let n = 0; n < 5; n++) await earth.say("plaza", "ann", `plaza ${n}`);
		for (let n = 0; n < 5; n++) await earth.say("market", "ann", `market ${n}`);
		await until(
			() => lines(mars).length === 5,
			() => lines(mars).join(),
		);
		expect(earth.refused).toHaveLength(2);
	});
});

test("the meter counts received, delivered, repeated, retried and refused events", async () => {
	await earth.say("plaza", "ann", "hello", { id: "one" as MessageId });
	await seen("ann: hello");
	await earth.say("plaza", "ann", "hello", { id: "one" as MessageId });
	mars.trouble = () => Promise.reject(new TemporaryError("away"));
	await earth.say("plaza", "ann", "again");
	await until(
		() => counted.includes("earth retried"),
		() => counted.join(" | "),
	);
	await eventually(() => expect(bridge.inDoubt()).toBe(1));
	mars.trouble = () => Promise.resolve();
	bridge.resume(mars.name);
	await seen("ann: hello", "ann: again");
	mars.trouble = refusing("closed.");
	await earth.say("plaza", "ann", "lost");
	await refused(1);
	// A busy machine retries at other moments, too, so no place of its own is expected for "retried".
	expect(counted.filter((one) => one.includes("message"))).toEqual([
		"earth message",
		"earth to mars message shown",
		"earth message again",
		"earth message",
		"earth to mars message shown",
		"earth message",
		"earth message refused",
	]);
	expect(bridge.inDoubt()).toBe(0);
});
