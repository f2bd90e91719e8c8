import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Rules } from "../../src/core/route.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, command, noLimits, rulesFor } from "../bridge.ts";
import { type FakeHosting, fakeHosting, type SourceRoom, sidesOf } from "../fake-hosting.ts";
import { type Fake, fakeNetwork, lines, until } from "../fakes.ts";

let earth: Fake;
let mars: Fake;
let venus: Fake;
let hosting: FakeHosting;
let bridge: Running;
let lobby: SourceRoom;
let mapping = createMemoryMapping();

async function begin(
	over: Partial<Rules> = {},
	marsOver: Parameters<typeof fakeNetwork>[1] = {},
	mostViews = 100,
) {
	hosting = fakeHosting("earth");
	earth = fakeNetwork("earth", { hosting, handle: (text) => text });
	mars = fakeNetwork("mars", marsOver);
	venus = fakeNetwork("venus", { sources: true });
	venus.rooms.set("lab", []);
	mars.rooms.set("crater", []);
	mapping = createMemoryMapping();
	bridge = bridgeOf(
		[earth, mars, venus],
		rulesFor({ "*": "use", "boss@*": "admin", "troll@*": "block" }, over),
		{ mapping, mostViews },
	);
	await bridge.start();
	lobby = hosting.make("lobby");
	earth.rooms.set(lobby.facts.room, [earth.person("ann")]);
}
beforeEach(() => begin());

const view = "view of lobby" as RoomId;
const look = (alias: string, who = "zog") =>
	bridge.views.look(earth.name, { kind: "alias", parts: [alias] }, mars.person(who));
const open = (who = "zog", room = view) =>
	bridge.views.open(earth.name, lobby.facts.room, room, mars.person(who));
const say = (text: string, who = "ann") =>
	bridge.seen(earth.name, [hosting.say(lobby, earth.person(who), text)]);
const ofLobby = (text: string, fake = earth) =>
	command(bridge, fake, text, { who: "boss", room: lobby.facts.room });

describe("a room that people of another network look for", () => {
	test("is found by its address", async () => {
		expect(await look("lobby")).toEqual({ kind: "room", facts: lobby.facts });
	});

	test("is refused with the cause if there is none, and if it cannot be shown", async () => {
		hosting.make("secret", { unfit: "encrypted" });
		hosting.make("all", { unfit: "space" });
		expect(await look("nowhere")).toEqual({
			kind: "refused",
			why: "unknown",
			text: "there is no room #nowhere. Is the address right?",
		});
		expect(await look("secret")).toMatchObject({ kind: "refused", why: "unfit" });
		expect(await look("all")).toMatchObject({
			why: "unfit",
			text: expect.stringContaining("Join one of its rooms"),
		});
	});

	test("is refused by default where nobody of our server is, and to a blocked person", async () => {
		hosting.make("far", { local: false });
		expect(await look("far")).toMatchObject({
			why: "policy",
			text: expect.stringContaining("gateway.rooms"),
		});
		expect(await look("lobby", "troll")).toMatchObject({ kind: "refused", why: "policy" });
		await begin({ rooms: "any" });
		hosting.make("far", { local: false });
		expect(await look("far")).toMatchObject({ kind: "room" });
	});

	test("is let in by the globs of the policy, by the typed address or by a main alias that is its own", async () => {
		await begin({ rooms: ["#lob*", "#town *"] });
		expect(await look("lobby")).toMatchObject({ kind: "room" });
		hosting.make("yard");
		expect(await look("yard")).toMatchObject({
			why: "policy",
			text: expect.stringContaining("gateway.rooms"),
		});
		const byId = (id: string) => bridge.views.look(earth.name, { kind: "id", id }, mars.person("zog"));
		expect(await byId("room of lobby")).toMatchObject({ kind: "room" });
		hosting.make("liar", { alias: ["lobby"] });
		expect(await byId("room of liar")).toMatchObject({ why: "policy" });
	});

	test("is named with the room that it is linked to", async () => {
		expect(await ofLobby("link mars crater")).toContain("Linked to");
		expect(await look("lobby")).toEqual({ kind: "linked", to: "crater" });
	});

	test("comes as an invitation to the person that it is for, unless one of the two is blocked", async () => {
		const invited: string[] = [];
		const inviteToView: Fake["inviteToView"] = async ({ id }, person, by) =>
			void invited.push(`${by.name} invites ${person.name} to ${id}`);
		await begin({}, { inviteToView });
		const invite = (to: string, by: string, fake = mars) =>
			bridge.views.invited(lobby.facts, fake.person(to), earth.person(by));
		expect(await invite("zog", "ann")).toBe(true);
		expect(await invite("zog", "troll")).toBe(false);
		expect(await invite("troll", "ann")).toBe(false);
		expect(await invite("zog", "ann", venus)).toBe(false);
		expect(invited).toEqual(["ann invites zog to room of lobby"]);
	});

	test("is no chat of two people", async () => {
		await bridge.openDirect(mars.person("zog"), earth.person("ann"), "zog and ann" as RoomId);
		const chat = [...(await mapping.portals())].flatMap(({ links }) => links);
		const room = chat.find(({ network }) => network === earth.name)?.room as RoomId;
		hosting.make("chat", { room, id: room });
		expect(await look("chat")).toMatchObject({ kind: "refused", why: "unfit" });
		await expect(bridge.views.open(earth.name, room, "view" as RoomId, mars.person("zog"))).rejects.toThrow(
			PermanentError,
		);
	});
});

describe("the view of a room", () => {
	test("is one portal, whoever asks for it at the same time", async () => {
		const [one, two] = await Promise.all([open(), open("zig"), open("zag", "another" as RoomId)]);
		expect(two).toEqual(one);
		expect(sidesOf(one)).toEqual(["earth hosted: room of lobby", "mars hosted: view of lobby"]);
		expect(await mapping.portals()).toHaveLength(1);
		expect(await open()).toEqual(one);
		expect([earth, mars].map((fake) => [...fake.attached])).toEqual([["room of lobby"], ["view of lobby"]]);
	});

	test("counts once against the limit of opened rooms, and is not made above it", async () => {
		await begin({ limits: { ...noLimits, newChats: { perMinute: 1e-9, burst: 1 } } });
		await open();
		await open();
		const yard = hosting.make("yard").facts.room;
		const second = bridge.views.open(earth.name, yard, "view of yard" as RoomId, mars.person("zog"));
		await expect(second).rejects.toThrow("too many new chats");
		expect(await mapping.portals()).toHaveLength(1);
	});

	test("is made in the place of one that nobody uses, if there are too many, and not if all are used", async () => {
		await begin({}, {}, 2);
		const openIn = async (alias: string) => {
			const { facts } = hosting.rooms.get(`room of ${alias}` as RoomId) ?? hosting.make(alias);
			await bridge.views.open(earth.name, facts.room, `view of ${alias}` as RoomId, mars.person("zog"));
			await bridge.views.source(earth.name).enter(facts.room, mars.person("zog"));
		};
		const shown = async () => (await mapping.portals()).flatMap(({ links }) => links[1]?.room ?? []).sort();
		await openIn("lobby");
		await openIn("yard");
		await expect(openIn("hall")).rejects.toThrow("as many rooms as it can");
		await openIn("yard");
		await hosting.leave(lobby.facts.room, mars.person("zog"));
		await openIn("hall");
		expect(await shown()).toEqual(["view of hall", "view of yard"]);
		expect(mars.attached).toEqual(new Set(["view of yard", "view of hall"]));
		hosting.trouble = async (request) => {
			if (request === "view") throw new TemporaryError("away");
		};
		await expect(openIn("attic")).rejects.toThrow("as many rooms as it can");
	});

	test("is refused to a blocked person, also once it is there", async () => {
		await open();
		await expect(open("troll")).rejects.toThrow("you are blocked");
		const hall = bridge.views.source(earth.name);
		expect(await hall.enter(lobby.facts.room, mars.person("troll"))).toMatchObject({ why: "blocked" });
	});

	test("is not made for a room that is linked, and leaves no portal behind if its network refuses it", async () => {
		await ofLobby("link mars crater");
		await expect(open()).rejects.toThrow("linked to another room");
		await begin({}, { attach: () => Promise.reject(new PermanentError("failed", "no")) });
		await expect(open()).rejects.toThrow("no");
		expect(await mapping.portals()).toEqual([]);
	});

	test("gets the timeline of its source in order, echoes of its own people included", async () => {
		await open();
		await Promise.all([say("one"), say("two"), say("three", "zog")]);
		expect(mars.reflected).toEqual([1, 2, 3].map((n) => `view of lobby: said earth said ${n}`));
		expect(earth.reflected).toEqual([]);
	});

	test("does not show what blocked people say, nor that they are there", async () => {
		await open();
		await say("psst", "troll");
		const moves = { ...hosting.say(lobby, earth.person("troll"), ""), id: "move" as MessageId };
		const person = earth.person("troll");
		await bridge.seen(earth.name, [{ ...moves, what: { kind: "member", person, now: "in" } }]);
		await bridge.seen(earth.name, [{ ...moves, what: { kind: "topic", topic: "trolls" } }]);
		expect(mars.reflected).toEqual(["view of lobby: topic move"]);
		lobby.members.set(person.id, person);
		const hall = bridge.views.source(earth.name);
		expect((await hall.view(lobby.facts.room)).members).toEqual([]);
		const ids = lobby.timeline.map(({ id }) => id);
		expect((await hall.events(lobby.facts.room, ids, mars.person("zog"))).size).toBe(0);
	});

	test("lets nobody fill the room with leaves, joins and new names", async () => {
		await open();
		const hall = bridge.views.source(earth.name);
		const [room, zog] = [lobby.facts.room, mars.person("zog")];
		// Clients that come back after each crash leave nothing behind.
		for (let n = 0; n < 50; n++) await hall.enter(room, zog);
		for (let n = 0; n < 30; n++) {
			await hall.enter(room, zog);
			await hall.leave(room, zog);
		}
		await expect(hall.enter(room, zog)).rejects.toThrow("too often");
		expect(lobby.members.size).toBe(0);
		for (let n = 0; n < 30; n++) await hall.rename(room, { ...mars.person("zig"), name: `zig ${n}` });
		await expect(hall.rename(room, mars.person("zig"))).rejects.toThrow("too often");
		expect(await hall.enter(room, mars.person("zag"))).toEqual({ kind: "in" });
	});

	test("loses a person whom an admin blocks, of either network, and takes nothing more of them", async () => {
		await open();
		for (const person of [earth.person("ann"), mars.person("zog")]) lobby.members.set(person.id, person);
		expect(await ofLobby("block *@mars")).toContain("1 person is no longer shown");
		expect([...lobby.members.keys()]).toEqual(["ann@earth"]);
		expect(await ofLobby("block ann@earth")).toContain("1 person is no longer shown");
		expect(mars.reflected).toEqual([1, 2].map(() => expect.stringMatching(/^view of lobby: member block /)));
		await mars.say(view, "zog", "hello?");
		expect(mars.refused).toMatchObject([{ sentence: expect.stringContaining("you are blocked") }]);
	});

	test("stands in the list of rooms as one that goes both ways", async () => {
		await open();
		expect(await command(bridge, earth, "rooms", { who: "boss", alone: true })).toContain(
			"EARTH room of lobby ↔ MARS view of lobby",
		);
	});

	test("finds what its people refer to by the id of the timeline, without a copy in the journal", async () => {
		await open();
		const { id, room } = hosting.say(lobby, earth.person("ann"), "long ago");
		const replyTo = { id, copies: [{ network: earth.name, room, id }] };
		await mars.say(view, "zog", "yes", { replyTo });
		await until(
			() => earth.sent.length === 1,
			() => "no answer",
		);
		expect(earth.sent[0]?.refs).toEqual({ [id]: [id] });
	});

	test("shows the names of people as one line, wherever they come from", async () => {
		const names: (string | undefined)[] = [];
		const reflect: Fake["reflect"] = (_view, seen) =>
			void names.push(...seen.map(({ sender }) => sender.name));
		await begin({}, { reflect });
		await open();
		const mallory = { ...earth.person("mallory"), name: "Mal\u202elory\nAnn: I agree" };
		lobby.members.set(mallory.id, mallory);
		const said = hosting.say(lobby, mallory, "hello");
		await bridge.seen(earth.name, [said]);
		const hall = bridge.views.source(earth.name);
		names.push(...(await hall.view(lobby.facts.room)).members.map(({ name }) => name));
		const [found] = (await hall.events(lobby.facts.room, [said.id], mars.person("zog"))).values();
		names.push(found?.sender.name, found?.what.kind === "said" ? found.what.event.sender.name : "");
		expect(new Set(names)).toEqual(new Set(["Mallory Ann: I agree"]));
		expect(names).toHaveLength(4);
	});

	test("fails on a line without holding up the source, or failing it", async () => {
		const shown: string[] = [];
		const reflect: Fake["reflect"] = (_view, [seen]) => {
			if (seen?.id === "earth said 1") throw new TypeError("a fault");
			shown.push(seen?.id ?? "");
		};
		await begin({}, { reflect });
		await open();
		await say("one");
		await say("two");
		expect(shown).toEqual(["earth said 2"]);
	});

	test("brings what its people say to the source, and takes no rows of it", async () => {
		await open();
		await ofLobby("link venus lab");
		await mars.say(view, "zog", "hello earth");
		await earth.say(lobby.facts.room, "ann", "hello back");
		await venus.say("lab", "sensor", "21");
		await until(
			() => lines(earth).length === 2,
			() => lines(earth).join(),
		);
		expect(lines(earth)).toEqual(["zog: hello earth", "sensor: 21"]);
		expect(lines(mars)).toEqual([]);
	});

	test("makes way for a link once an admin ends it", async () => {
		const portal = await open();
		expect(await ofLobby("link mars crater")).toBe(
			"That did not work: people on MARS are in this room already, as view of lobby, and a room can have one room on MARS. Say “!bridge unlink mars” first: they then have to join the room that you link.",
		);
		expect(await ofLobby("unlink mars")).toContain("Unlinked from MARS (view of lobby)");
		expect(mars.attached).toEqual(new Set());
		expect(await bridge.portal(mars.name, view)).toBeUndefined();
		await say("nobody there");
		expect(mars.reflected).toEqual([]);
		expect(await ofLobby("link mars crater")).toContain("Linked to");
		expect(portal.id).not.toEqual((await bridge.portal(earth.name, lobby.facts.room))?.id);
	});

	test("stays when a source is linked to the room, which is then served as a joined one", async () => {
		await open();
		expect(await ofLobby("link venus lab")).toContain("shows what comes from");
		expect(sidesOf((await mapping.portals())[0] ?? { links: [] })).toEqual([
			"earth joined: room of lobby",
			"mars hosted: view of lobby",
			"venus joined: lab",
		]);
		await say("hello");
		expect(mars.reflected).toEqual(["view of lobby: said earth said 1"]);
	});

	test("joins a room that is linked to a source already", async () => {
		await ofLobby("link venus lab");
		expect(sidesOf(await open())).toEqual([
			"earth joined: room of lobby",
			"venus joined: lab",
			"mars hosted: view of lobby",
		]);
	});
});
