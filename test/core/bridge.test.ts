import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent, Message } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import { createPermissions } from "../../src/core/permissions.ts";
import type { Person } from "../../src/core/person.ts";
import * as phrases from "../../src/core/phrases.ts";
import type { Rules } from "../../src/core/route.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor, command as typed } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, quiet, until } from "../fakes.ts";

const rules = rulesFor({ "*": "use", "owner@*": "link", "*@spam": "block", "troll@*": "block" });

let earth: Fake;
let mars: Fake;
let bridge: Running;
let mapping = createMemoryMapping();
let journal = createMemoryJournal();

async function begin(
	over: Partial<Rules> = {},
	marsOver: Parameters<typeof fakeNetwork>[1] = {},
	rooms = new Map<string, Person[]>(),
) {
	earth = fakeNetwork("earth");
	mars = fakeNetwork("mars", marsOver);
	earth.rooms.set("plaza", [earth.person("ann"), earth.person("owner")]);
	mars.rooms.set("crater", []);
	for (const [room, people] of rooms) earth.rooms.set(room, people);
	bridge = bridgeOf([earth, mars], { ...rules, ...over }, { mapping, journal });
	await bridge.start();
}

/** Types a command on earth and resolves with the answer. */
const command = (text: string, who = "owner", room = "plaza", id = Math.random().toString()) =>
	typed(bridge, earth, text, { who, room, id, mayChangeRoom: who === "owner" });

const seen = (fake: Fake, count: number) =>
	until(
		() => lines(fake).length >= count,
		() => lines(fake).join(" | "),
	);

beforeEach(async () => {
	mapping = createMemoryMapping();
	journal = createMemoryJournal();
	await begin();
});

describe("a linked room", () => {
	beforeEach(async () => expect(await command("link mars crater")).toContain("Linked to The crater"));

	test("passes on what is said, in both directions, and shows nothing to its own side", async () => {
		await earth.say("plaza", "ann", "hello mars");
		await mars.say("crater", "zog", "hello earth");
		await seen(earth, 1);
		await seen(mars, 1);
		expect(lines(mars)).toEqual(["ann: hello mars"]);
		expect(lines(earth)).toEqual(["zog: hello earth"]);
	});

	test("brings the people who are there already to the other side", async () => {
		await until(
			() => mars.sent.length >= 2,
			() => JSON.stringify(mars.sent),
		);
		expect(mars.sent.map(({ event }) => [event.kind, event.sender.name])).toEqual([
			["membership", "ann"],
			["membership", "owner"],
		]);
	});

	test("introduces everybody of a room up to the limit, nobody of a larger one, and lets those leave who came", async () => {
		const [one, two, three, four] = ["a", "b", "c", "d"].map((name) => mars.person(name));
		const now = (...people: readonly (typeof one)[]) =>
			bridge.sync(
				mars.name,
				"crater" as RoomId,
				people.filter((person) => person !== undefined),
			);
		const changes = () =>
			earth.sent.map(({ event }) => [event.kind === "membership" && event.change, event.sender.name]);
		await now(one, two, three);
		await now(one, two, three, four);
		await now();
		await until(
			() => earth.sent.length >= 6,
			() => JSON.stringify(earth.sent),
		);
		expect(changes()).toEqual([
			...["a", "b", "c"].map((name) => ["join", name]),
			...["a", "b", "c"].map((name) => ["leave", name]),
		]);
		await now(one, two, three, four);
		await earth.say("plaza", "ann", "hello");
		await seen(mars, 1);
		expect(changes()).toHaveLength(6);
	});

	test("introduces nobody twice who was read in the room before their coming was told", async () => {
		const bob = earth.person("bob");
		const moves = () =>
			mars.sent.flatMap(({ event }) =>
				event.kind === "membership" && event.sender.id === bob.id ? [event.change] : [],
			);
		const move = (change: "join" | "leave") =>
			bridge.receive([
				{
					kind: "membership",
					change,
					id: `move ${Math.random()}` as MessageId,
					room: "plaza" as RoomId,
					sender: bob,
					at: Date.now(),
				},
			]);
		await bridge.sync(earth.name, "plaza" as RoomId, [earth.person("ann"), earth.person("owner"), bob]);
		await move("join");
		await move("leave");
		await move("join");
		await until(
			() => moves().length >= 3,
			() => moves().join(),
		);
		expect(moves()).toEqual(["join", "leave", "join"]);
	});

	test("delivers an event once, however often its server repeats it", async () => {
		const same = { id: "same" as MessageId };
		await earth.say("plaza", "ann", "once", same);
		await earth.say("plaza", "ann", "once", same);
		await earth.say("plaza", "ann", "after");
		await seen(mars, 2);
		expect(lines(mars)).toEqual(["ann: once", "ann: after"]);
	});

	test("leaves out what we fail on, tells its sender, and takes all that came with it", async () => {
		await begin({
			level(person) {
				if (person.name === "broken") throw new TypeError("a fault of ours");
				return "use";
			},
		});
		const line = (who: string, text: string): BridgeEvent => ({
			kind: "message",
			style: "text",
			id: text as MessageId,
			room: "plaza" as RoomId,
			sender: earth.person(who),
			at: Date.now(),
			text,
		});
		const batch = [line("ann", "one"), line("broken", "two"), line("ann", "three")];
		await earth.bridge.receive(batch);
		await seen(mars, 2);
		await earth.bridge.receive(batch);
		expect(lines(mars)).toEqual(["ann: one", "ann: three"]);
		expect(earth.refused.map(({ event, sentence }) => [event.sender.name, sentence])).toEqual([
			["broken", "the bridge failed on this message. Its log names the cause."],
			["broken", "the bridge failed on this message. Its log names the cause."],
		]);
	});

	test("does not wait for ever for what we fail to send: its sender is told, and the next goes out", async () => {
		let tries = 0;
		mars.trouble = async ({ event }) => {
			if (!("text" in event) || event.text !== "one") return;
			tries++;
			throw new TypeError("a fault of ours");
		};
		const resuming = setInterval(() => bridge.resume(mars.name), 10);
		await earth.say("plaza", "ann", "one");
		await earth.say("plaza", "ann", "two");
		await seen(mars, 1).finally(() => clearInterval(resuming));
		expect(lines(mars)).toEqual(["ann: two"]);
		expect(tries).toBe(5);
		expect(earth.refused.map(({ sentence }) => sentence)).toEqual([
			"the bridge failed on this message. Its log names the cause.",
		]);
		expect((await journal.dead(10)).map(({ event }) => event.id)).toEqual(["earth-1"]);
	});

	test("keeps order when a delivery fails for a while", async () => {
		let failures = 2;
		mars.trouble = async () => {
			if (failures-- > 0) throw new TemporaryError("down");
		};
		const lined = ["1", "2", "3", "4", "5"];
		await Promise.all(lined.map((text) => earth.say("plaza", "ann", text)));
		for (let round = 0; round < 20 && lines(mars).length < 5; round++) {
			bridge.resume(mars.name);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		expect(lines(mars)).toEqual(lined.map((text) => `ann: ${text}`));
	});

	test("tells the sender why a message was refused, and goes on with the next", async () => {
		mars.trouble = async ({ event }) => {
			if (event.kind === "message" && event.text === "bad")
				throw new PermanentError("failed", "you have no voice there.");
		};
		await earth.say("plaza", "ann", "bad");
		await earth.say("plaza", "ann", "good");
		await seen(mars, 1);
		expect(lines(mars)).toEqual(["ann: good"]);
		expect(earth.refused.map((one) => [one.sentence, one.target])).toEqual([
			["you have no voice there.", "MARS"],
		]);
		expect((await journal.dead(10)).map((letter) => letter.reason)).toEqual(["you have no voice there."]);
	});

	test("gives what is under way its time when it is stopped", async () => {
		let sending = false;
		mars.trouble = async ({ event }) => {
			sending = event.kind === "message";
			if (sending) await new Promise((resolve) => setTimeout(resolve, 200));
		};
		await earth.say("plaza", "ann", "hello");
		await until(
			() => sending,
			() => "not sent",
		);
		await bridge.stop(5_000);
		expect(lines(mars)).toEqual(["ann: hello"]);
		expect((await journal.stats()).waiting).toBe(0);
	});

	test("loses nothing over a clean restart in the middle of an outage", async () => {
		mars.trouble = async () => {
			throw new TemporaryError("down");
		};
		for (const text of ["one", "two", "three"]) await earth.say("plaza", "ann", text);
		await bridge.stop(100);
		await begin();
		await seen(mars, 3);
		expect(lines(mars)).toEqual(["ann: one", "ann: two", "ann: three"]);
	});

	test("does not hear people who are blocked", async () => {
		await earth.say("plaza", "troll", "spam");
		await earth.say("plaza", "ann", "ham");
		await seen(mars, 1);
		expect(lines(mars)).toEqual(["ann: ham"]);
		expect(earth.refused[0]?.sentence).toContain("blocked");
	});

	test("tells of whatever people do too fast, and of nothing that merely happens", async () => {
		await begin({ limits: { ...rules.limits, sender: { perMinute: 0, burst: 1 } } });
		await earth.say("plaza", "ann", "one");
		await seen(mars, 1);
		const target = { id: "earth-1" as MessageId };
		const too = { room: "plaza" as RoomId, sender: earth.person("ann"), at: Date.now() };
		const did = (kind: string, more: object = {}) =>
			({ kind, id: kind as MessageId, ...too, ...more }) as BridgeEvent;
		await earth.bridge.receive([
			did("edit", { target, style: "text", text: "uno" }),
			did("reaction", { target, mode: "add", emoji: ["👍"] }),
			did("vote", { target, answers: [] }),
			did("redaction", { target }),
			did("profile"),
			did("membership", { change: "leave" }),
		]);
		expect(earth.refused.map(({ event, sentence }) => [event.kind, sentence])).toEqual(
			["edit", "reaction", "vote", "redaction"].map((kind) => [kind, expect.stringContaining("at once")]),
		);
	});

	test("tells who reacts that it is not shown there", async () => {
		await earth.say("plaza", "ann", "one", { id: "said" as MessageId });
		await seen(mars, 1);
		mars.trouble = async ({ event }) => {
			if (event.kind === "reaction") throw new PermanentError("failed", "you have no voice there.");
		};
		await earth.bridge.receive([
			{
				kind: "reaction",
				id: "thumb" as MessageId,
				room: "plaza" as RoomId,
				sender: earth.person("ann"),
				at: Date.now(),
				target: { id: "said" as MessageId },
				mode: "add",
				emoji: ["👍"],
			},
		]);
		await until(
			() => earth.refused.length === 1,
			() => "nobody is told",
		);
		expect(earth.refused[0]).toMatchObject({ event: { id: "thumb" }, sentence: "you have no voice there." });
	});

	test("refuses a second room of the same network, with the reason", async () => {
		mars.rooms.set("canyon", []);
		expect(await command("link mars canyon")).toContain("already");
	});

	test("is silent after unlink, and its people there are gone", async () => {
		expect(await command("unlink mars")).toContain("Unlinked");
		expect(mars.attached.size).toBe(0);
		await earth.say("plaza", "ann", "anybody?");
		await new Promise((resolve) => setTimeout(resolve, 30));
		expect(lines(mars)).toEqual([]);
		expect(await command("status")).toContain("not bridged");
	});

	test("tells those whose lines still waited when it was unlinked", async () => {
		mars.trouble = async () => {
			throw new TemporaryError("away");
		};
		await earth.say("plaza", "ann", "one");
		await earth.say("plaza", "ann", "two");
		await command("unlink mars");
		bridge.resume(mars.name);
		await until(
			() => earth.refused.length === 2,
			() => `${earth.refused.length} told`,
		);
		expect(earth.refused.map(({ event, sentence }) => ["text" in event && event.text, sentence])).toEqual([
			["one", phrases.unlinked],
			["two", phrases.unlinked],
		]);
		expect((await journal.stats()).waiting).toBe(0);
	});

	test("tells all of them, however many, as fast as their own server takes it", async () => {
		mars.trouble = async () => {
			throw new TemporaryError("away");
		};
		const lines = Array.from({ length: 1_500 }, (_, n) => earth.say("plaza", "ann", `${n}`));
		await Promise.all(lines);
		const { refuse } = earth;
		earth.refuse = async (...about) => {
			await new Promise((resolve) => setTimeout(resolve, 5));
			await refuse(...about);
		};
		await command("unlink mars");
		bridge.resume(mars.name);
		await until(
			() => earth.refused.length === 1_500,
			() => `${earth.refused.length} told`,
			10_000,
		);
	});

	test("notes at once what arrived where it cannot be looked for, so that a crash doubles few", async () => {
		const hurried: (boolean | undefined)[] = [];
		const { done } = journal;
		journal.done = (row, target, ids, soon) => {
			if (row.event.kind === "message") hurried.push(soon);
			return done(row, target, ids, soon);
		};
		await earth.say("plaza", "ann", "one");
		await seen(mars, 1);
		await begin({}, { unverifiable: () => true });
		await earth.say("plaza", "ann", "two", { id: "two" as MessageId });
		await seen(mars, 1);
		await until(
			() => hurried.length === 2,
			() => hurried.join(),
		);
		expect(hurried).toEqual([undefined, true]);
	});

	test("an answer to what is still under way waits for that, and is an answer there", async () => {
		let release: () => void = () => undefined;
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		let there = "" as MessageId;
		mars.trouble = async ({ event, operation }) => {
			if (event.kind !== "message") return;
			there = `mars:${operation}` as MessageId;
			await held;
		};
		await earth.say("plaza", "ann", "hello", { id: "hello" as MessageId });
		await until(
			() => there !== "",
			() => "not sent",
		);
		// Whoever is there has seen it, before we were told that it arrived.
		await mars.say("crater", "zog", "hi", { replyTo: { id: there } });
		setTimeout(release, 200);
		await seen(earth, 1);
		expect(earth.sent.at(-1)?.refs).toEqual({ [there]: ["hello"] });
	});

	test("names what it is linked to", async () => {
		expect(await command("status")).toContain("MARS: crater (joined)");
	});
});

describe("a direct chat", () => {
	test("begins with a first message from the other network, and the answer finds its way back", async () => {
		await mars.say("zog+ann", "zog", "hi ann", { to: earth.person("ann") });
		await seen(earth, 1);
		expect(earth.sent[0]?.room).toBe("ann+zog");
		await earth.say("ann+zog", "ann", "hi zog");
		await seen(mars, 1);
		expect(mars.sent[0]?.room).toBe("zog+ann");
	});

	test("is opened by command, and reused the second time", async () => {
		expect(await command("chat zog", "ann")).toContain("zog");
		await command("chat zog", "ann");
		expect(await mapping.portals()).toHaveLength(1);
		await earth.say("ann+zog", "ann", "hello");
		await seen(mars, 1);
	});

	test("moves to a second room when one is opened", async () => {
		await bridge.openDirect(earth.person("ann"), mars.person("zog"), "first" as RoomId);
		await bridge.openDirect(earth.person("ann"), mars.person("zog"), "second" as RoomId);
		await mars.say("zog+ann", "zog", "where are you?", { to: earth.person("ann") });
		await seen(earth, 1);
		expect(earth.sent[0]?.room).toBe("second");
	});

	test("speaks for a third person by name", async () => {
		await bridge.openDirect(earth.person("ann"), mars.person("zog"), "dm" as RoomId);
		await earth.say("dm", "bob", "me too", { rich: [{ tag: "bold", children: ["me too"] }] });
		await seen(mars, 1);
		expect(lines(mars)).toEqual(["ann: bob: me too"]);
		expect(mars.sent[0]?.event).not.toHaveProperty("rich");
	});

	test("lets no line of a third person pass for one of the person whose account says it", async () => {
		await bridge.openDirect(earth.person("ann"), mars.person("zog"), "dm" as RoomId);
		const bob = { ...earth.person("bob"), name: "ann: yes\nbob" };
		const say = (text: string, more: object = {}) =>
			earth.say("dm", "bob", text, { sender: bob, ...more } as never);
		await say("one\nann: I pay");
		await say("waves", { style: "emote" });
		await say("", { kind: "poll", question: "Lunch?", answers: [{ id: "1", text: "yes" }] });
		await seen(mars, 3);
		expect(lines(mars)).toEqual([
			"ann: ann· yes bob: one\n    ann: I pay",
			"ann: * ann· yes bob waves",
			"ann: * ann· yes bob asks: Lunch?\n    1. yes",
		]);
		expect(mars.sent.map(({ event }) => "style" in event && event.style)).toEqual(["text", "text", "text"]);
	});

	test("is refused to strangers who are not ours, until those wrote first", async () => {
		const { local: _local, ...foreign } = earth.person("far");
		await mars.say("zog+far", "zog", "psst", { to: foreign });
		expect(mars.refused[0]?.sentence).toContain("write to you first");
		await bridge.openDirect(foreign, mars.person("zog"), "dm" as RoomId);
		await mars.say("zog+far", "zog", "hello", { to: foreign });
		await seen(earth, 1);
	});

	test("is refused with people who want none, and it is not the writer who is called blocked", async () => {
		await mars.say("zog+troll", "zog", "hi", { to: earth.person("troll") });
		expect(mars.refused[0]?.sentence).toContain("they take no messages");
	});

	test("is capped for people who open very many", async () => {
		await bridge.stop(0);
		await begin({ limits: { ...rules.limits, newChats: { perMinute: 0, burst: 2 } } });
		for (const name of ["a", "b", "c"])
			await mars.say(`zog+${name}`, "zog", "ad", { to: earth.person(name) });
		expect(mars.refused).toHaveLength(1);
		expect(mars.refused[0]?.sentence).toContain("too many new chats");
	});
});

describe("a portal made by its address", () => {
	test("is made once, and the far room is joined when somebody comes, not when they look", async () => {
		const open = () => bridge.openRoom(earth.name, mars.name, ["crater"]);
		const [one, two] = await Promise.all([open(), open()]);
		expect(one).toBe(two);
		expect(mars.attached.size).toBe(0);
		await bridge.sync(earth.name, one, [earth.person("ann")]);
		await until(
			() => mars.attached.has("crater"),
			() => "not attached",
		);
	});

	test("is told what waits for it once it is joined, however long the other room takes", async () => {
		let early = 0;
		const attach = earth.attach;
		earth.attach = async (...all) => {
			await new Promise((resolve) => setTimeout(resolve, 50));
			await attach(...all);
		};
		mars.trouble = async () => void (mars.attached.has("crater") || early++);
		const room = await bridge.openRoom(earth.name, mars.name, ["crater"]);
		await bridge.sync(earth.name, room, [earth.person("ann")]);
		await until(
			() => mars.sent.length > 0,
			() => "nothing came",
		);
		expect(early).toBe(0);
	});

	test("is served after the journal was lost, if anybody is in it", async () => {
		const room = await bridge.openRoom(earth.name, mars.name, ["crater"]);
		for (const people of [[], [earth.person("ann")]]) {
			await bridge.stop(0);
			journal = createMemoryJournal();
			await begin({}, {}, new Map([[room, people]]));
			await new Promise((resolve) => setTimeout(resolve, 20));
			expect(mars.attached.has("crater")).toBe(people.length > 0);
		}
	});

	test("is served by no network before that has started, and by all once they have", async () => {
		const room = await bridge.openRoom(earth.name, mars.name, ["crater"]);
		await bridge.stop(0);
		const attached: string[] = [];
		await begin(
			{},
			{
				async start(of) {
					mars.bridge = of;
					// Earth is up already.
					await earth.say(room, "ann", "I am early");
					await new Promise((resolve) => setTimeout(resolve, 20));
					attached.push("started");
				},
				attach: async (_, link) => void attached.push(link.room as string),
			},
		);
		await seen(mars, 1);
		expect(attached).toEqual(["started", "crater"]);
	});

	test("says why there is none", async () => {
		await expect(bridge.openRoom(earth.name, mars.name, ["nowhere"])).rejects.toThrow("no room nowhere");
		expect(await command("join nowhere")).toContain("no room nowhere");
	});

	test("invites who asked for it by command", async () => {
		expect(await command("join crater", "ann")).toContain("The crater");
		expect(earth.invited).toEqual(["ann to mars-crater"]);
	});
});

describe("a network whose rooms are no public places", () => {
	beforeEach(async () => {
		await bridge.stop(0);
		const level = createPermissions({ "*": "use", "owner@*": "link", "boss@*": "admin" });
		await begin({ level }, { privateRooms: true });
	});

	test("is opened to nobody who types an address, be it as an alias or to the bot", async () => {
		await expect(bridge.openRoom(earth.name, mars.name, ["crater"])).rejects.toThrow("only an admin");
		expect(await command("join crater")).toContain("nobody has the address");
		expect(await command("link mars crater")).toContain("only an admin");
		expect(mars.attached.size).toBe(0);
	});

	test("is linked by an admin", async () => {
		expect(await command("link mars crater", "boss")).toContain("you need the right");
	});
});

describe("commands", () => {
	test("are not carried out faster than messages", async () => {
		await bridge.stop(0);
		await begin({ limits: { ...rules.limits, sender: { perMinute: 0, burst: 2 } } });
		const answers = [await command("help"), await command("status"), await command("join crater")];
		expect(answers.map((answer) => answer.includes("too many"))).toEqual([false, false, true]);
	});

	test("leave nothing in the log of what was typed, which in a chat with the bot may be anything", async () => {
		await bridge.stop(0);
		const logged: object[] = [];
		const note = (fields: object) => void logged.push(fields);
		const log = { ...quiet, debug: note, info: note, warn: note, error: note };
		bridge = bridgeOf([earth, mars], rules, { mapping, journal, log });
		await bridge.start();
		await command("hunter2");
		expect(logged).toContainEqual(expect.objectContaining({ command: "unknown" }));
		expect(JSON.stringify(logged)).not.toContain("hunter2");
	});

	test("are carried out once, however often the server repeats them", async () => {
		expect(await command("status", "ann", "plaza", "x")).not.toBe("");
		expect(await command("status", "ann", "plaza", "x")).toBe("");
	});

	test("are refused without permission, or without power in the room", async () => {
		expect(await command("link mars crater", "ann")).toContain("may not");
		expect(await command("help", "troll")).toContain("blocked");
	});

	test("list themselves, and only those one may use", async () => {
		expect(await command("", "ann")).toContain("chat ADDRESS");
		expect(await command("help", "ann")).not.toContain("unlink");
		expect(await command("dance", "ann")).toContain("no command");
	});
});

test("a sensor's values appear in the rooms of its mirror, as words where there is nothing better", async () => {
	await bridge.stop(0);
	await begin({ level: createPermissions({ "*@earth": "use" }) }, { can: { message: "drop" } });
	const mirror = { here: earth.name, room: "plaza" as RoomId, there: mars.name, topic: "temp" as RoomId };
	await bridge.mirror([mirror], true);
	const reading = {
		id: "r1" as MessageId,
		room: "temp" as RoomId,
		sender: mars.person("probe"),
		at: Date.now(),
	};
	await mars.bridge.receive([{ ...reading, kind: "state", key: "t", label: "temperature", value: "-60" }]);
	await seen(earth, 1);
	expect(lines(earth)).toEqual(["probe: temperature: -60"]);
	expect(mars.attached).toContain("temp");
	await bridge.mirror([], false);
	expect(await mapping.portals()).toHaveLength(1);
	await bridge.mirror([], true);
	expect(await mapping.portals()).toEqual([]);
});

describe("what is read with a cursor", () => {
	const line = (id: string, more: Partial<Message> = {}): Message => ({
		kind: "message",
		style: "text",
		text: id,
		id: id as MessageId,
		room: "crater" as RoomId,
		sender: mars.person("zed"),
		at: Date.now(),
		...more,
	});
	const cursor = (value: string) => ({ key: "mars crater", value });

	test("is on disk with it, also when nobody is to hear it", async () => {
		await command("link mars crater");
		await mars.bridge.receive([{ ...line("1"), cursor: cursor("one") }]);
		expect(await mars.bridge.cursor("mars crater")).toBe("one");
		await mars.bridge.receive([{ ...line("2", { sender: mars.person("troll") }), cursor: cursor("two") }]);
		expect(await mars.bridge.cursor("mars crater")).toBe("two");
		await mars.bridge.receive([{ ...line("3", { room: "void" as RoomId }), cursor: cursor("three") }]);
		expect(await mars.bridge.cursor("mars crater")).toBe("three");
		await Promise.all([
			mars.bridge.receive([{ ...line("4"), cursor: cursor("four") }]),
			mars.bridge.saveCursor(cursor("five")),
		]);
		expect(await mars.bridge.cursor("mars crater")).toBe("five");
		await seen(earth, 2);
		expect(lines(earth)).toEqual(["zed: 1", "zed: 4"]);
		expect(earth.sent.map(({ event }) => "cursor" in event)).toEqual([false, false]);
	});

	test("may come in one burst, when it was not said in one", async () => {
		await bridge.stop(0);
		const steady = { perMinute: 60, burst: 1 };
		await begin({ limits: { ...rules.limits, sender: steady, domain: steady } });
		await command("link mars crater");
		const began = Date.now() - 60_000;
		const missed = Array.from({ length: 20 }, (_, n) => line(`m${n}`, { at: began + n * 1_000 }));
		await mars.bridge.receive(missed.map((event) => ({ ...event, cursor: cursor(event.id), since: began })));
		await seen(earth, 20);
		await mars.bridge.receive([line("live 1"), line("live 2")]);
		await seen(earth, 21);
		expect(lines(earth).at(-1)).toBe("zed: live 1");
	});
});

test("a mirror whose room lets nobody in is refused, and keeps no other from being shown", async () => {
	let closed = true;
	const attach = earth.attach;
	earth.attach = async (portal, link, members) => {
		if (link.room === "market" && closed) throw new PermanentError("forbidden", "the market is closed.");
		await attach(portal, link, members);
	};
	const mirrors = ["market", "plaza"].map((room) => ({
		here: earth.name,
		room: room as RoomId,
		there: mars.name,
		topic: "temp" as RoomId,
	}));
	await expect(bridge.mirror(mirrors, true)).rejects.toThrow("the market is closed.");
	expect(earth.attached).toContain("plaza");
	closed = false;
	await bridge.mirror(mirrors, true);
	expect(earth.attached).toContain("market");
});
