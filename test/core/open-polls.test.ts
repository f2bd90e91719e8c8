import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { LinkId, MessageId, NetworkName, PortalId, RoomId } from "../../src/core/ids.ts";
import { createOpenPolls } from "../../src/core/open-polls.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, until } from "../fakes.ts";

const id = (text: string) => text as MessageId;
const hour = 3_600_000;

/** Shows polls as polls. */
let earth: Fake;
/** Shows polls as text. */
let mars: Fake;
let bridge: Running;
let mapping = createMemoryMapping();
let journal = createMemoryJournal();
let count = 0;
let now = 0;

async function restart(): Promise<void> {
	await bridge?.stop(0);
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "link" }), { mapping, journal });
	await bridge.start();
}
beforeEach(async () => {
	mapping = createMemoryMapping();
	journal = createMemoryJournal();
	now = Date.now();
	const polls = { poll: "native", vote: "native", "poll-end": "native" } as const;
	earth = fakeNetwork("earth", { can: polls });
	mars = fakeNetwork("mars");
	mars.rooms.set("crater", []);
	await restart();
	await command(bridge, earth, "link mars crater");
});

async function does(on: Fake, what: object, as = `${on.name}-${++count}`): Promise<MessageId> {
	const room = (on === earth ? "plaza" : "crater") as RoomId;
	const event = { id: id(as), room, sender: on.person(on === earth ? "ann" : "zog"), at: now, ...what };
	await on.bridge.receive([event as BridgeEvent]);
	return id(as);
}
const answers = (...texts: string[]) => texts.map((text, index) => ({ id: `a${index + 1}`, text }));
/** Begins a poll that has reached the other room. */
async function asks(question: string, texts: readonly string[], more: object = {}): Promise<MessageId> {
	const before = mars.sent.length;
	const poll = await does(earth, { kind: "poll", question, answers: answers(...texts), ...more });
	await until(
		() => mars.sent.length > before,
		() => "the question did not arrive",
	);
	return poll;
}
const says = (text: string, more: object = {}) =>
	does(mars, { kind: "message", style: "text", text, ...more });
/** Resolves with the last events that earth got: each a vote's target there with its answers, or a message's text. */
async function got(total: number): Promise<readonly string[]> {
	await until(
		() => earth.sent.length >= total,
		() => JSON.stringify(earth.sent.map(({ event }) => event)),
	);
	return earth.sent.map(({ event, refs }) => {
		if (event.kind === "vote")
			return `${refs[event.target.id]}: ${event.answers.map((one) => one.id).join()}`;
		return "text" in event ? event.text : event.kind;
	});
}

describe("a message that is just a number", () => {
	test.each(["2", " 2 ", "2.", "2)", "2️⃣"])(
		"votes in the open poll, as %s does, also after a restart",
		async (text) => {
			const poll = await asks("Lunch?", ["now", "later"]);
			await restart();
			await says(text);
			expect(await got(1)).toEqual([`${poll}: a2`]);
			expect(earth.sent[0]?.event).not.toHaveProperty("undisclosed");
		},
	);

	test("votes in the newest open poll: not in one that ended, was deleted, or is a day old", async () => {
		const old = await asks("Tea?", ["yes", "no"], { at: now - 23 * hour });
		const lunch = await asks("Lunch?", ["now", "later"]);
		const supper = await asks("Supper?", ["soup", "stew"]);
		const wine = await asks("Wine?", ["red", "white"]);
		await says("1");
		await does(earth, { kind: "redaction", target: { id: wine } });
		await says("1");
		await does(earth, { kind: "poll-end", target: { id: supper }, text: "soup: 1" });
		await says("2");
		await does(earth, { kind: "poll-end", target: { id: lunch }, text: "later: 1" });
		await says("2");
		now += 2 * hour;
		await says("2");
		expect(await got(5)).toEqual([`${wine}: a1`, `${supper}: a1`, `${lunch}: a2`, `${old}: a2`, "2"]);
	});

	test("votes no more when a moderator elsewhere deleted the question", async () => {
		await asks("Lunch?", ["now", "later"]);
		await does(mars, { kind: "redaction", target: { id: id(`mars:${mars.sent[0]?.operation}`) } });
		await says("1");
		expect((await got(2)).at(-1)).toBe("1");
	});

	test("stays a message if it is no answer's number, or more than a number", async () => {
		await asks("Lunch?", ["now", "later"]);
		const texts = ["0", "3", "22", "two", "2 pieces", "-1", "1/2"];
		for (const text of texts) await says(text);
		await says("1", { style: "emote" });
		await says("1", { style: "notice" });
		await says("1", { replyTo: { id: id("other"), text: "How many?" } });
		expect((await got(10)).map((text) => text.split("\n").at(-1))).toEqual([...texts, "1", "1", "1"]);
	});

	test("stays a message in a room that shows polls as polls, and in one that never saw the question", async () => {
		mars.trouble = () => Promise.reject(new Error("away"));
		await does(earth, { kind: "poll", question: "Lunch?", answers: answers("now") });
		await does(earth, { kind: "message", style: "text", text: "1" });
		await says("1");
		expect(await got(1)).toEqual(["1"]);
		mars.trouble = () => Promise.resolve();
	});

	test("is again a vote when it corrects a vote, but not when it corrects a message", async () => {
		const poll = await asks("Lunch?", ["now", "later"]);
		const edit = (text: string, target: string) =>
			does(mars, { kind: "edit", style: "text", text, target: { id: id(target), own: id(target) } });
		await says("1", { aka: [id("own 1")] });
		await edit("2", "own 1");
		await says("twelve", { aka: [id("own 2")] });
		await got(3);
		await edit("1", "own 2");
		expect(await got(4)).toEqual([`${poll}: a1`, `${poll}: a2`, "twelve", "1"]);
		expect(earth.sent.at(-1)?.event.kind).toBe("edit");
	});

	test("is marked as a vote that nobody may see, in an undisclosed poll", async () => {
		await asks("Whom?", ["Paris", "Romeo"], { undisclosed: true });
		await says("2");
		await got(1);
		expect(earth.sent[0]?.event).toMatchObject({ kind: "vote", undisclosed: true });
	});
});

test("the record of open polls stays small, whatever the polls are", async () => {
	for (let n = 0; n < 30; n++)
		await asks(
			"?",
			Array.from({ length: 20 }, () => "x".repeat(20_000)),
		);
	await asks("?", ["y"], { answers: [{ id: "i".repeat(60_000), text: "y" }] });
	const [portal] = await mapping.portals();
	const saved = (await journal.cursor(`open polls ${portal?.id}`)) ?? "";
	expect(JSON.parse(saved)).toHaveLength(10);
	expect(saved.length).toBeLessThan(40_000);
});

test("the record of open polls ends with the link of its rooms", async () => {
	await asks("Tea?", ["yes", "no"]);
	expect(await journal.cursors("open polls ")).toHaveLength(1);
	await command(bridge, earth, "unlink mars");
	expect(await journal.cursors("open polls ")).toEqual([]);
});

test("a number that somebody writes in a view of the room votes in the poll itself", async () => {
	const link = (network: string, room: string) => ({
		...{ id: `l-${room}` as LinkId, network: network as NetworkName, room: id(room) as string as RoomId },
		...{ role: "hosted" as const, in: true, out: true },
	});
	const portal = { id: "p" as PortalId, links: [link("earth", "plaza"), link("mars", "view")] };
	const polls = createOpenPolls(journal, () => ({ poll: "text" }));
	const base = { at: now, sender: earth.person("ann") };
	const poll = { ...base, kind: "poll" as const, question: "Tea?", answers: answers("yes", "no") };
	await polls.note({ ...poll, id: id("$poll"), room: "plaza" as RoomId }, [portal]);
	const number = { ...base, kind: "message" as const, style: "text" as const, text: "2" };
	const vote = await polls.read(
		{ ...number, id: id("2"), room: "view" as RoomId, sender: mars.person("zog") },
		[portal],
	);
	expect(vote).toMatchObject({
		kind: "vote",
		answers: [{ id: "a2" }],
		target: { id: "$poll", copies: [{ network: "earth", room: "plaza", id: "$poll" }] },
	});
});
