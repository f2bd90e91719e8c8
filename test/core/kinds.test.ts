import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, until } from "../fakes.ts";

const id = (text: string) => text as MessageId;

let earth: Fake;
let mars: Fake;
let bridge: Running;
let mapping = createMemoryMapping();
let journal = createMemoryJournal();
let count = 0;

beforeEach(async () => {
	mapping = createMemoryMapping();
	journal = createMemoryJournal();
	earth = fakeNetwork("earth");
	mars = fakeNetwork("mars");
	mars.rooms.set("crater", []);
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "link" }), { mapping, journal });
	await bridge.start();
	await command(bridge, earth, "link mars crater");
});

type What = {
	[K in BridgeEvent["kind"]]: Omit<Extract<BridgeEvent, { kind: K }>, "id" | "room" | "sender" | "at">;
}[BridgeEvent["kind"]];
/** Receives an event of a person in the room. Resolves with its id there. */
async function does(on: Fake, who: string, what: What, as?: string): Promise<MessageId> {
	const own = id(as ?? `${on.name}-does-${++count}`);
	const room = (on === earth ? "plaza" : "crater") as RoomId;
	const event = { id: own, room, sender: on.person(who), at: Date.now(), ...what };
	await on.bridge.receive([event as BridgeEvent]);
	return own;
}
const says = (on: Fake, who: string, text: string, more: object = {}) =>
	does(on, who, { kind: "message", style: "text", text, ...more });
const arrived = (fake: Fake, kind: BridgeEvent["kind"]) => fake.sent.filter((out) => out.event.kind === kind);
const reached = (fake: Fake, total: number) =>
	until(
		() => fake.sent.length >= total,
		() => JSON.stringify(fake.sent.map((out) => out.event)),
	);
/** Resolves with the ids that the last delivery refers to. */
const pointed = (fake: Fake, to: MessageId) => fake.sent.at(-1)?.refs[to];

describe("an event that refers to an earlier message", () => {
	test("refers to its target by the other room's id, whoever wrote the target", async () => {
		const theirs = await says(mars, "zog", "lunch?");
		await reached(earth, 1);
		const copy = id(`earth:${earth.sent[0]?.operation}`);
		const answer = await says(earth, "ann", "yes", { replyTo: { id: copy } });
		await reached(mars, 1);
		expect(pointed(mars, copy)).toEqual([theirs]);
		await says(mars, "zog", "at twelve", { replyTo: { id: id(`mars:${mars.sent[0]?.operation}`) } });
		await reached(earth, 2);
		expect(Object.values(earth.sent[1]?.refs ?? {})).toEqual([[answer]]);
	});

	test("waits for the delivery of its target", async () => {
		let release = () => {};
		mars.trouble = (out) =>
			out.event.kind === "message" && out.event.text === "slow"
				? new Promise((resolve) => {
						release = resolve;
					})
				: Promise.resolve();
		const slow = await says(earth, "ann", "slow");
		await says(earth, "bob", "what?", { replyTo: { id: slow } });
		await new Promise((resolve) => setTimeout(resolve, 20));
		release();
		await reached(mars, 2);
		expect(pointed(mars, slow)).toEqual([`mars:${mars.sent[0]?.operation}`]);
	});

	test("becomes words in a room that never got the target", async () => {
		await says(earth, "ann", "yes", {
			replyTo: { id: id("old"), author: earth.person("bob"), text: "tea?" },
		});
		await does(earth, "ann", {
			kind: "edit",
			style: "text",
			text: "no",
			target: { id: id("old"), own: id("mine old") },
		});
		await does(earth, "ann", { kind: "redaction", target: { id: id("old") } });
		await says(earth, "ann", "end");
		await reached(mars, 3);
		expect(lines(mars)).toEqual(["ann: > bob: tea?\nyes", "ann: Correction: no", "ann: end"]);
	});

	test("to an unknown target tells its sender: each deletion, and once what words take the place of", async () => {
		const told = () => earth.refused.map(({ event, sentence }) => `${event.kind}: ${sentence}`);
		for (const text of ["no", "nay"])
			await does(earth, "ann", { kind: "edit", style: "text", text, target: { id: id("old") } });
		for (const emoji of [["👍"], []])
			await does(earth, "ann", { kind: "reaction", mode: "set", emoji, target: { id: id("old") } });
		await says(earth, "ann", "yes", { replyTo: { id: id("old") } });
		for (const target of ["old", "older"])
			await does(earth, "ann", { kind: "redaction", target: { id: id(target), own: id(target) } });
		// The sender sees in these what the others see.
		await says(earth, "bob", "yes", { replyTo: { id: id("old"), text: "tea?" } });
		await does(earth, "bob", { kind: "redaction", target: { id: id("old") }, unsure: true });
		await says(earth, "bob", "end");
		await reached(mars, 6);
		expect(told()).toEqual([
			expect.stringMatching(/^edit: .* shown as a new message/),
			expect.stringMatching(/^reaction: .* shown in words/),
			expect.stringMatching(/^message: .* a message of its own/),
			expect.stringMatching(/^redaction: .* nothing was deleted/),
			expect.stringMatching(/^redaction: .* nothing was deleted/),
		]);
		expect(earth.refused.filter(({ partly }) => partly).map(({ event }) => event.kind)).toEqual([
			"edit",
			"reaction",
			"message",
		]);
	});

	test("tells nobody that a command to the bot, which never crosses, is deleted", async () => {
		await command(bridge, earth, "status", { id: "asked" });
		await does(earth, "ann", { kind: "redaction", target: { id: id("asked") } });
		await says(earth, "ann", "end");
		await reached(mars, 1);
		expect(earth.refused).toEqual([]);
	});

	test("finds its target by any of the ids of its own network", async () => {
		await says(mars, "zog", "hi", { aka: [id("by another name")] });
		await reached(earth, 1);
		const target = { id: id("by another name") };
		await does(mars, "zog", { kind: "edit", style: "text", text: "hi!", target });
		await reached(earth, 2);
		expect(pointed(earth, target.id)).toEqual([`earth:${earth.sent[0]?.operation}`]);
	});
});

test("a message that is deleted while it waits is never sent", async () => {
	mars.trouble = async () => {
		throw new TemporaryError("down");
	};
	await says(earth, "ann", "first");
	const regretted = await says(earth, "ann", "regretted");
	await does(earth, "ann", { kind: "redaction", target: { id: regretted } });
	await says(earth, "ann", "last");
	mars.trouble = () => Promise.resolve();
	for (let i = 0; i < 50 && lines(mars).length < 2; i++) {
		bridge.resume(mars.name);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	expect(lines(mars)).toEqual(["ann: first", "ann: last"]);
	expect(arrived(mars, "redaction")).toEqual([]);
});

describe("the router", () => {
	const line = (name: string, what: object) => ({
		...{ id: id(name), room: "plaza" as RoomId, sender: earth.person("ann"), at: Date.now() },
		...what,
	});
	const text = (name: string, more: object = {}) =>
		line(name, { kind: "message", style: "text", text: name, ...more }) as BridgeEvent;

	test("delivers no part of a batch that holds a message, its edit and its deletion", async () => {
		const target = { id: id("slip") };
		await earth.bridge.receive([
			...[text("first"), text("slip")],
			line("edit", { kind: "edit", style: "text", text: "worse", target }) as BridgeEvent,
			line("deletion", { kind: "redaction", target }) as BridgeEvent,
			text("last"),
		]);
		await until(
			() => lines(mars).includes("ann: last"),
			() => JSON.stringify(lines(mars)),
		);
		expect(mars.sent.map((out) => out.event.kind)).toEqual(["message", "message"]);
		expect(lines(mars)).toEqual(["ann: first", "ann: last"]);
	});

	test("delivers the second message of a thread as an answer, though the first one is in the same batch", async () => {
		const thread = { thread: { id: id("thread t") }, aka: [id("thread t")] };
		await earth.bridge.receive([text("root", thread), text("answer", thread)]);
		await reached(mars, 2);
		expect(mars.sent.map(({ event }) => "thread" in event && event.thread?.id)).toEqual([false, "thread t"]);
	});
});

describe("reactions", () => {
	const shows = (fake: Fake) =>
		arrived(fake, "reaction").map(({ event }) => (event.kind === "reaction" ? event.emoji.join("") : ""));
	let target: MessageId;
	beforeEach(async () => {
		target = await says(earth, "bob", "cake");
		await reached(mars, 1);
	});
	const react = (mode: "add" | "remove" | "set", ...emoji: string[]) =>
		does(earth, "ann", { kind: "reaction", mode, emoji, target: { id: target } });

	test("go out as the whole set of a person, and only when the set changes", async () => {
		await react("add", "👍");
		await react("add", "❤️");
		await react("add", "❤");
		await react("remove", "👍");
		await react("set");
		await reached(mars, 5);
		expect(shows(mars)).toEqual(["👍", "👍❤️", "❤️", ""]);
	});

	test("with ids of their own are taken back by redactions of these ids", async () => {
		const first = await react("add", "👍");
		await react("add", "🎉");
		await does(earth, "ann", { kind: "redaction", target: { id: first } });
		await reached(mars, 4);
		expect(shows(mars)).toEqual(["👍", "👍🎉", "🎉"]);
	});

	test("reactions that are added and taken back in one batch leave the right set", async () => {
		const base = { room: "plaza" as RoomId, sender: earth.person("ann"), at: Date.now() };
		const add = (own: string, emoji: string) =>
			({
				...base,
				id: id(own),
				kind: "reaction",
				mode: "add",
				emoji: [emoji],
				target: { id: target },
			}) as const;
		const gone = { ...base, id: id("r3"), kind: "redaction", target: { id: id("r1") } } as const;
		await bridge.receive([add("r1", "👍"), add("r2", "🎉"), gone]);
		await reached(mars, 4);
		expect(shows(mars)).toEqual(["👍", "👍🎉", "🎉"]);
		await does(earth, "ann", { kind: "redaction", target: { id: id("r2") } });
		await reached(mars, 5);
		expect(shows(mars).at(-1)).toBe("");
	});

	test("of other people stay when a moderator deletes them", async () => {
		const first = await react("add", "👍");
		await does(earth, "moderator", { kind: "redaction", target: { id: first } });
		await says(earth, "ann", "end");
		await reached(mars, 3);
		expect(shows(mars)).toEqual(["👍"]);
	});

	test("become words, or are dropped, by the room's setting", async () => {
		const choose = (text: string) => command(bridge, earth, text);
		expect(await choose("settings reactions text")).toBe("reactions: text");
		await react("add", "👍");
		await reached(mars, 2);
		expect(lines(mars).at(-1)).toBe("ann: reacted with 👍");
		expect(await choose("settings reactions drop")).toBe("reactions: drop");
		await react("add", "🎉");
		await says(earth, "ann", "end");
		await reached(mars, 3);
		expect(lines(mars).at(-1)).toBe("ann: end");
		expect(await choose("settings reactions mixed")).toBe("reactions: mixed");
		await react("add", "🎂");
		await reached(mars, 4);
		expect(mars.sent.at(-1)).toMatchObject({ event: { emoji: ["👍", "🎉", "🎂"] }, reactions: "mixed" });
		expect(await choose("settings reactions default")).toBe("reactions: default");
		expect(await choose("settings")).toBe("reactions: default");
		await react("add", "🚀");
		await reached(mars, 5);
		expect(mars.sent.at(-1)).toMatchObject({
			event: { emoji: ["👍", "🎉", "🎂", "🚀"] },
			reactions: "native",
		});
		expect(await choose("settings reactions loud")).toContain("did not understand");
	});

	/** The admin's default for rooms without a setting. */
	async function wanted(reactions: "native" | "text") {
		await bridge.stop(0);
		bridge = bridgeOf([earth, mars], rulesFor({ "*": "link" }, { reactions }), { mapping, journal });
		await bridge.start();
	}

	test("to an unknown message become words, whatever the setting", async () => {
		const { capabilities } = mars;
		mars.capabilities = (...about) => ({ ...capabilities(...about), reaction: "text" });
		await wanted("native");
		await react("add", "👍");
		await reached(mars, 2);
		expect(lines(mars).at(-1)).toBe("ann: reacted with 👍");
	});

	test("follow the admin's default in a room without a setting", async () => {
		await wanted("text");
		await react("add", "👍");
		await reached(mars, 2);
		expect(lines(mars).at(-1)).toBe("ann: reacted with 👍");
	});

	test("go out with the reactions that they replace and the ids of these", async () => {
		await react("add", "👍");
		await reached(mars, 2);
		await react("set", "🎉");
		await reached(mars, 3);
		expect(mars.sent[2]?.shown).toEqual([{ emoji: "👍", id: `mars:${mars.sent[1]?.operation}` }]);
	});
});
