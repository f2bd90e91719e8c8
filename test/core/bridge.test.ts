import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent, Message } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { RoomInfo } from "../../src/core/network.ts";
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

/** Sends a command on earth and resolves with the answer. */
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

	test("delivers messages in both directions, and none back to their own room", async () => {
		await earth.say("plaza", "ann", "hello mars");
		await mars.say("crater", "zog", "hello earth");
		await seen(earth, 1);
		await seen(mars, 1);
		expect(lines(mars)).toEqual(["ann: hello mars"]);
		expect(lines(earth)).toEqual(["zog: hello earth"]);
	});

	test("mirrors the people who are already in the room to the other room", async () => {
		await until(
			() => mars.sent.length >= 2,
			() => JSON.stringify(mars.sent),
		);
		expect(mars.sent.map(({ event }) => [event.kind, event.sender.name])).toEqual([
			["membership", "ann"],
			["membership", "owner"],
		]);
	});

	test("mirrors the joins of a room up to the limit and of no larger one, and the leaves of mirrored people", async () => {
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

	test("mirrors no join of a person whom a sync of the room found before", async () => {
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

	test("leaves out an event that our code fails on, notifies its sender, and accepts the rest of the batch", async () => {
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

	test("refuses a row that our code fails to send after four attempts, notifies its sender, and delivers the next", async () => {
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

	test("keeps the order when a delivery fails for a while", async () => {
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

	test("notifies the sender of a refused message with the reason, and delivers the next", async () => {
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

	test("waits for in-flight deliveries when it stops", async () => {
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

	test("loses no message over a clean restart during an outage", async () => {
		mars.trouble = async () => {
			throw new TemporaryError("down");
		};
		for (const text of ["one", "two", "three"]) await earth.say("plaza", "ann", text);
		await bridge.stop(100);
		await begin();
		await seen(mars, 3);
		expect(lines(mars)).toEqual(["ann: one", "ann: two", "ann: three"]);
	});

	test("delivers no message of a blocked person", async () => {
		await earth.say("plaza", "troll", "spam");
		await earth.say("plaza", "ann", "ham");
		await seen(mars, 1);
		expect(lines(mars)).toEqual(["ann: ham"]);
		expect(earth.refused[0]?.sentence).toContain("blocked");
	});

	test("notifies senders of messages, edits and reactions above what a rate limit delays, and of no joins or renames", async () => {
		await begin({ limits: { ...rules.limits, sender: { perMinute: 1, burst: 1 } } });
		await earth.say("plaza", "ann", "one");
		await seen(mars, 1);
		for (let n = 0; n < 1_000; n++) await earth.say("plaza", "ann", `waits ${n}`);
		expect(earth.refused).toEqual([]);
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

	test("notifies the sender of a refused reaction", async () => {
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
			() => "no sender notice",
		);
		expect(earth.refused[0]).toMatchObject({ event: { id: "thumb" }, sentence: "you have no voice there." });
	});

	test("refuses a link to a second room of the same network, with the reason", async () => {
		mars.rooms.set("canyon", []);
		expect(await command("link mars canyon")).toContain("already");
	});

	test("delivers nothing after unlink, and its ghosts leave the other room", async () => {
		expect(await command("unlink mars")).toContain("Unlinked");
		expect(mars.attached.size).toBe(0);
		await earth.say("plaza", "ann", "anybody?");
		await new Promise((resolve) => setTimeout(resolve, 30));
		expect(lines(mars)).toEqual([]);
		expect(await command("status")).toContain("not bridged");
	});

	test("notifies the senders of messages that waited when the room was unlinked", async () => {
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

	test("notifies every one of many senders, as fast as their own server takes the notices", async () => {
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
		);
	});

	test("delays a reply until the in-flight delivery of its target is confirmed, and sends it as a reply", async () => {
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
		// The message is in the room; its confirmation is late.
		await mars.say("crater", "zog", "hi", { replyTo: { id: there } });
		setTimeout(release, 200);
		await seen(earth, 1);
		expect(earth.sent.at(-1)?.refs).toEqual({ [there]: ["hello"] });
	});

	test("shows its links in the answer to status", async () => {
		expect(await command("status")).toBe("EARTH, this room: connected.\nMARS, crater: connected.");
	});
});

describe("a direct chat", () => {
	test("begins with the first message from the other network, and delivers the answer to its sender", async () => {
		await mars.say("zog+ann", "zog", "hi ann", { to: earth.person("ann") });
		await seen(earth, 1);
		expect(earth.sent[0]?.room).toBe("ann+zog");
		await earth.say("ann+zog", "ann", "hi zog");
		await seen(mars, 1);
		expect(mars.sent[0]?.room).toBe("zog+ann");
	});

	test("has fewer deliveries in flight than a room, where its network says so", async () => {
		await begin({}, { window: 5, chatWindow: 2 });
		expect(await command("link mars crater")).toContain("Linked");
		await command("chat zog", "ann");
		const flying = new Map<string, number>();
		const { promise: landed, resolve: land } = Promise.withResolvers<void>();
		mars.trouble = ({ room, event }) => {
			if (event.kind === "message") flying.set(room, (flying.get(room) ?? 0) + 1);
			return landed;
		};
		for (let n = 0; n < 9; n++)
			for (const room of ["plaza", "ann+zog"]) await earth.say(room, "ann", `line ${n}`);
		const most = () => [flying.get("crater"), flying.get("zog+ann")];
		await until(
			() => most().join() === "5,2",
			() => most().join(),
		);
		land();
		await seen(mars, 18);
	});

	test("is opened by command, and reused by a second command", async () => {
		expect(await command("chat zog", "ann")).toContain("zog");
		await command("chat zog", "ann");
		expect(await mapping.portals()).toHaveLength(1);
		await earth.say("ann+zog", "ann", "hello");
		await seen(mars, 1);
	});

	test("moves to a second room when a person opens one", async () => {
		const open = (room: string) => bridge.openDirect(earth.person("ann"), mars.person("zog"), room as RoomId);
		expect([await open("first"), await open("first")]).toEqual([undefined, undefined]);
		expect(await open("second")).toBe("first");
		await mars.say("zog+ann", "zog", "where are you?", { to: earth.person("ann") });
		await seen(earth, 1);
		expect(earth.sent[0]?.room).toBe("second");
	});

	test("relays a third person's message with the person's name before it", async () => {
		await bridge.openDirect(earth.person("ann"), mars.person("zog"), "dm" as RoomId);
		await earth.say("dm", "bob", "me too", { rich: [{ tag: "bold", children: ["me too"] }] });
		await seen(mars, 1);
		expect(lines(mars)).toEqual(["ann: bob: me too"]);
		expect(mars.sent[0]?.event).not.toHaveProperty("rich");
	});

	test("relays no line of a third person that could pass for a line of the account's owner", async () => {
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
			"ann: * ann· yes bob asks: Lunch?\n    1. yes\n    (To vote, write the number of an answer.)",
		]);
		expect(mars.sent.map(({ event }) => "style" in event && event.style)).toEqual(["text", "text", "text"]);
	});

	test("reaches those only whom a message would reach, which a ghost asks before it grants its presence", async () => {
		const { local: _local, ...foreign } = earth.person("far");
		const zog = mars.person("zog");
		const reaches = (from: Person, to: Person) => bridge.mayReach(from, to);
		expect(await reaches(zog, earth.person("ann"))).toBe(true);
		expect(await reaches(zog, earth.person("troll"))).toBe(false);
		expect(await reaches(mars.person("troll"), earth.person("ann"))).toBe(false);
		expect(await reaches(zog, foreign)).toBe(false);
		await bridge.openDirect(foreign, zog, "dm" as RoomId);
		expect(await reaches(zog, foreign)).toBe(true);
	});

	test("is refused with people of other servers until they write first", async () => {
		const { local: _local, ...foreign } = earth.person("far");
		await mars.say("zog+far", "zog", "psst", { to: foreign });
		expect(mars.refused[0]?.sentence).toContain("write to you first");
		await bridge.openDirect(foreign, mars.person("zog"), "dm" as RoomId);
		await mars.say("zog+far", "zog", "hello", { to: foreign });
		await seen(earth, 1);
	});

	test("is refused with a blocked person, and the reason does not call the sender blocked", async () => {
		await mars.say("zog+troll", "zog", "hi", { to: earth.person("troll") });
		expect(mars.refused[0]?.sentence).toContain("takes no messages");
	});

	test("is rate-limited per person", async () => {
		await bridge.stop(0);
		await begin({ limits: { ...rules.limits, newChats: { perMinute: 0, burst: 2 } } });
		for (const name of ["a", "b", "c"])
			await mars.say(`zog+${name}`, "zog", "ad", { to: earth.person(name) });
		expect(mars.refused).toHaveLength(1);
		expect(mars.refused[0]?.sentence).toContain("too many new chats");
	});
});

describe("a portal made by its address", () => {
	test("is made once by the lookup of its alias, and joins the far room when the first person joins", async () => {
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

	test("is attached with the person whose join is not in the journal yet: the far room may let in that person alone", async () => {
		const attach = mars.attach;
		const known: (readonly string[] | undefined)[] = [];
		mars.attach = async (...all) => {
			known.push(all[2]?.map(({ address }) => address.join()));
			await attach(...all);
		};
		const room = await bridge.openRoom(earth.name, mars.name, ["crater"]);
		const accept = journal.accept;
		journal.accept = async (...all) => {
			await until(
				() => known.length > 0,
				() => "not attached",
			);
			return accept(...all);
		};
		await bridge.sync(earth.name, room, [earth.person("ann")]);
		expect(known).toEqual([["ann"]]);
	});

	test("delivers waiting messages once the far room is joined, however long that takes", async () => {
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

	test("is attached after the loss of the journal if a person is in its room", async () => {
		const room = await bridge.openRoom(earth.name, mars.name, ["crater"]);
		for (const people of [[], [earth.person("ann")]]) {
			await bridge.stop(0);
			journal = createMemoryJournal();
			await begin({}, {}, new Map([[room, people]]));
			await new Promise((resolve) => setTimeout(resolve, 20));
			expect(mars.attached.has("crater")).toBe(people.length > 0);
		}
	});

	test("is new where people came into it in this run, and not after a restart", async () => {
		const attach = mars.attach;
		const news: (boolean | undefined)[] = [];
		const watched: typeof mars.attach = async (...all) => {
			news.push(all[3]);
			await attach(...all);
		};
		mars.attach = watched;
		const room = await bridge.openRoom(earth.name, mars.name, ["crater"]);
		await bridge.sync(earth.name, room, [earth.person("ann")]);
		expect(news).toEqual([true]);
		await bridge.stop(0);
		journal = createMemoryJournal();
		await begin({}, { attach: watched }, new Map([[room, [earth.person("ann")]]]));
		await until(
			() => news.length === 2,
			() => "not attached",
		);
		expect(news).toEqual([true, false]);
	});

	test("is attached to each network only after that network has started", async () => {
		const room = await bridge.openRoom(earth.name, mars.name, ["crater"]);
		await bridge.stop(0);
		const attached: string[] = [];
		await begin(
			{},
			{
				async start(of) {
					mars.bridge = of;
					// Earth has started already.
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

	test("is refused with the reason if there is no such room", async () => {
		await expect(bridge.openRoom(earth.name, mars.name, ["nowhere"])).rejects.toThrow("no room nowhere");
		expect(await command("join nowhere")).toContain("no room nowhere");
	});

	test("invites the person who asked for it by command", async () => {
		expect(await command("join crater", "ann")).toContain("The crater");
		expect(earth.invited).toEqual(["ann to mars-crater"]);
	});

	test("passes the invitation of a person of the far network on to the far room, which names the address", async () => {
		const invited: unknown[] = [];
		mars.inviteFrom = async (...all) => void invited.push(all);
		const room = await bridge.openRoom(earth.name, mars.name, ["crater"]);
		const [ann, zog] = [earth.person("ann"), mars.person("zog")];
		const invitation = { person: zog, by: ann, reason: "come" };
		expect(await bridge.passOn(earth.name, room, invitation)).toBe("crater");
		expect(invited).toEqual([["crater", zog, ann, "come"]]);
		expect(await bridge.passOn(earth.name, "elsewhere" as RoomId, invitation)).toBeUndefined();
		await expect(
			bridge.passOn(earth.name, room, { ...invitation, by: earth.person("troll") }),
		).rejects.toThrow("blocked");
	});

	test("invites the person whom somebody of the far network asks for, within that one's rights", async () => {
		await bridge.stop(0);
		await begin({ limits: { ...rules.limits, newChats: { perMinute: 0, burst: 4 } } });
		const to = { network: mars.name, address: ["crater"], words: "Zog invites you" };
		const asks = (by: string, whom = earth.person("ann"), where = to) =>
			bridge.bringIn(whom, mars.person(by), where);
		await asks("zog");
		expect(earth.invited).toEqual(["ann to mars-crater"]);
		await expect(asks("zog", earth.person("ann"), { ...to, address: ["nowhere"] })).rejects.toThrow(
			"no room nowhere",
		);
		const { local: _local, ...foreign } = earth.person("far");
		await expect(asks("zog", foreign)).rejects.toThrow("write to you first");
		await expect(asks("troll")).rejects.toThrow("blocked");
		await asks("zog");
		await expect(asks("zog")).rejects.toThrow("too many new chats");
		expect(earth.invited).toEqual(["ann to mars-crater", "ann to mars-crater"]);
	});

	test("does not invite a person whom the far room has banned", async () => {
		await bridge.stop(0);
		const asked: string[] = [];
		await begin(
			{},
			{
				admits: async (room, { name }) => {
					asked.push(`${name} in ${room}`);
					throw new PermanentError("forbidden", "you were banned");
				},
			},
		);
		const to = { network: mars.name, address: ["crater"], words: "Zog invites you" };
		await expect(bridge.bringIn(earth.person("ann"), mars.person("zog"), to)).rejects.toThrow("were banned");
		expect(asked).toEqual(["ann in crater"]);
		expect(earth.invited).toEqual([]);
	});

	test("asks the far room for leave to bring somebody in among others, and not for those who are in", async () => {
		await bridge.stop(0);
		const asked: string[] = [];
		await begin(
			{},
			{
				admits: async (_, { name }, { isFirst }) => void asked.push(`${name}${isFirst ? ", the first" : ""}`),
			},
		);
		const brings = (name: string) =>
			bridge.bringIn(earth.person(name), mars.person("zog"), {
				network: mars.name,
				address: ["crater"],
				words: "come",
			});
		await brings("ann");
		earth.rooms.set("mars-crater" as RoomId, [earth.person("ann")]);
		await brings("ben");
		await brings("ann");
		expect(asked).toEqual(["ann, the first", "ben"]);
	});
});

describe("a network with private rooms", () => {
	beforeEach(async () => {
		await bridge.stop(0);
		const level = createPermissions({ "*": "use", "owner@*": "link", "boss@*": "admin" });
		await begin({ level }, { privateRooms: true });
	});

	test("opens no room by its address, neither for an alias nor for a join command", async () => {
		await expect(bridge.openRoom(earth.name, mars.name, ["crater"])).rejects.toThrow("only an admin");
		expect(await command("join crater")).toContain("nobody has the address");
		expect(await command("link mars crater")).toContain("only an admin");
		expect(mars.attached.size).toBe(0);
	});

	test("lets an admin link a room", async () => {
		expect(await command("link mars crater", "boss")).toContain("you need the right");
	});
});

describe("commands", () => {
	test("are rate-limited together with messages", async () => {
		await bridge.stop(0);
		await begin({ limits: { ...rules.limits, sender: { perMinute: 0, burst: 2 } } });
		const answers = [await command("help"), await command("status"), await command("join crater")];
		expect(answers.map((answer) => answer.includes("too many"))).toEqual([false, false, true]);
	});

	test("leave no typed text in the log", async () => {
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

	test("run once, however often the server repeats them", async () => {
		expect(await command("status", "ann", "plaza", "x")).not.toBe("");
		expect(await command("status", "ann", "plaza", "x")).toBe("");
	});

	test("are refused to people without permission, or without power in the room", async () => {
		expect(await command("link mars crater", "ann")).toContain("may not");
		expect(await command("help", "troll")).toContain("blocked");
	});

	test("are listed by help, only those that the person may use", async () => {
		expect(await command("", "ann")).toContain("chat ADDRESS");
		expect(await command("help", "ann")).not.toContain("unlink");
		expect(await command("dance", "ann")).toContain("no command");
	});
});

test("a mirrored topic's values appear in its rooms, as text if the room cannot show states", async () => {
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

test("a topic's own room is made with its first value, by one request, and kept with the mirrors of the config", async () => {
	await bridge.stop(0);
	const made: RoomInfo[] = [];
	await begin({ level: createPermissions({ "*@earth": "use" }) });
	earth.createRoom = async (_of, [name = ""], info) => {
		made.push(info);
		return `own ${name}` as RoomId;
	};
	const topic = "lamp" as RoomId;
	const make = { address: ["lamp"], name: "The lamp", invites: ["ann"] };
	const own = { here: earth.name, make, there: mars.name, topic };
	await bridge.ownRoom(own);
	await bridge.ownRoom(own);
	expect(await mapping.portals()).toHaveLength(1);
	expect(made).toEqual([]);
	const reading = { room: topic, sender: mars.person("lamp"), at: Date.now(), kind: "state" as const };
	for (const value of ["on", "off"])
		await mars.bridge.receive([{ ...reading, id: value as MessageId, key: "lamp", label: "lamp", value }]);
	await seen(earth, 2);
	expect(earth.sent.map(({ room }) => room)).toEqual(["own lamp", "own lamp"]);
	expect(made).toEqual([{ room: topic, name: "The lamp", invites: ["ann"] }]);
	await bridge.mirror([], true, (one) => one === topic);
	expect(await mapping.portals()).toHaveLength(1);
	await bridge.mirror([], true, () => false);
	expect(await mapping.portals()).toEqual([]);
});

describe("a received event with a cursor", () => {
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

	test("is on disk together with its cursor, also if it has no target", async () => {
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

	test("counts in the rate limit by its own time if it has since", async () => {
		// The limit grants more while a busy machine stands still.
		vi.useFakeTimers({ toFake: ["Date"] });
		onTestFinished(() => void vi.useRealTimers());
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

test("a mirror into a room that refuses the bridge throws, and does not stop the other mirrors", async () => {
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
