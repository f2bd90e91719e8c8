import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { MessageId, NetworkName, RoomId } from "../../src/core/ids.ts";
import type { Network, Status } from "../../src/core/network.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor, command as typed } from "../bridge.ts";
import { type Fake, fakeNetwork, until } from "../fakes.ts";

let earth: Fake;
let mars: Fake;
let moon: Fake;
let bridge: Running;
let mapping: ReturnType<typeof createMemoryMapping>;
let marsIs: Status;

/** Starts a bridge of three networks: rooms of the moon are private, and any text is the address of one. */
async function begin(over: { earth?: Partial<Network>; mars?: Partial<Network> } = {}) {
	marsIs = { up: true };
	earth = fakeNetwork("earth", {
		url: (room) => `earth://${room}`,
		standsFor: ([text = ""]) =>
			text.startsWith("@mars-") ? { network: "mars" as NetworkName, address: [text.slice(6)] } : undefined,
		...over.earth,
	});
	mars = fakeNetwork("mars", {
		status: () => marsIs,
		findRoom: async ([room = ""]) => {
			if (room.includes("/")) throw new PermanentError("invalid", `“${room}” is no address on Mars.`);
			if (!mars.rooms.has(room)) throw new PermanentError("not-found", `no room ${room} on mars`);
			return { room: room as RoomId, name: `The ${room}` };
		},
		...over.mars,
	});
	moon = fakeNetwork("moon", {
		privateRooms: true,
		findRoom: async ([room = ""]) => ({ room: room as RoomId, name: room }),
	});
	earth.rooms.set("plaza", [earth.person("ann"), earth.person("owner")]);
	earth.rooms.set("market", [earth.person("ann")]);
	for (const room of ["crater", "canyon"]) mars.rooms.set(room, []);
	mapping = createMemoryMapping();
	const rules = rulesFor({ "*": "use", "owner@*": "link", "boss@*": "admin" });
	bridge = bridgeOf([earth, mars, moon], rules, { mapping, version: "9.9" });
	await bridge.start();
}
beforeEach(() => begin());

const say = (text: string, who = "owner", more: { room?: string; alone?: boolean } = {}) =>
	typed(bridge, earth, text, { who, room: "plaza", ...more });

describe("link", () => {
	test.each([
		["link crater", "owner", "crater"],
		["link mars crater", "owner", "crater"],
		["link MARS crater", "owner", "crater"],
		["link @mars-crater", "owner", "crater"],
		["link house/lamp", "boss", "house/lamp"],
		["link moon crater", "boss", "crater"],
	])("%s finds its network by the address, or by the name before it", async (text, who, room) => {
		expect(await say(text, who)).toMatch(/^Linked to/);
		expect([...mars.attached, ...moon.attached]).toEqual([room]);
	});

	test.each([
		["link nowhere", "boss", "no room nowhere on mars"],
		["link house/lamp", "owner", "is no address on Mars"],
		["link moon house", "owner", "only an admin of this bridge can link a room to MOON"],
		["link earth market", "owner", "a room here can be linked to mars, moon, not to earth."],
		["link mars", "owner", "Say: !bridge link [earth|mars|moon] ROOM"],
	])("%s by %s is refused with the reason: %s", async (text, who, why) => {
		expect(await say(text, who)).toContain(why);
		expect(await mapping.portals()).toEqual([]);
	});

	test("of a room that the bridge cannot read is refused with the reason", async () => {
		await begin({
			earth: { mayLink: () => Promise.reject(new PermanentError("invalid", "this room is in cipher.")) },
		});
		expect(await say("link crater")).toBe("That did not work: this room is in cipher.");
		expect(await mapping.portals()).toEqual([]);
	});

	test("a second time names the link that is there, and the command that ends it", async () => {
		await say("link crater");
		expect(await say("link crater")).toContain("this room is linked to The crater already.");
		expect(await say("link canyon")).toContain("linked to crater already");
		expect(await say("link canyon")).toContain("Say “!bridge unlink mars” first.");
	});

	test("of a room that is linked elsewhere names that room to its members and to admins alone", async () => {
		await say("link crater");
		const other = { room: "market" };
		expect(await say("link crater", "owner", other)).toContain("already: earth://plaza");
		earth.rooms.set("plaza", []);
		expect(await say("link crater", "owner", other)).toContain("already. An admin of this bridge can tell");
		expect(await say("link crater", "boss", other)).toContain("already: earth://plaza");
	});
});

test("link claims no crossing while the bridge cannot enter the room", async () => {
	mars.hindrance = () => "the bridge is not in the room yet.";
	expect(await say("link crater")).toBe(
		"Linked to The crater, but nothing crosses yet: the bridge is not in the room yet.",
	);
});

describe("unlink", () => {
	test("needs no network where the room has one link", async () => {
		await say("link crater");
		expect(await say("unlink")).toMatch(/^Unlinked from MARS \(crater\)\./);
		expect(await say("unlink")).toBe("This room is not bridged.");
	});

	test("is told the room there, before the bridge leaves it, and happens also where nobody can be told", async () => {
		await say("link crater");
		mars.announce = async (room, text) => {
			mars.announced.push(`${mars.attached.has(room) ? "in" : "out of"} ${room}: ${text}`);
			throw new TemporaryError("away");
		};
		expect(await say("unlink")).toMatch(/^Unlinked from MARS/);
		expect(mars.announced).toEqual([
			"in crater: The link of this room to EARTH (plaza) was ended there. Nothing crosses any more, and each room shows only its own people again.",
		]);
		expect(await say("unlink")).toBe("This room is not bridged.");
	});

	test("asks which link to end where the room has several, and ends that one", async () => {
		await say("link crater");
		await say("link house/lamp", "boss");
		expect(await say("unlink")).toContain(
			"Say which to end: “!bridge unlink mars crater” or “!bridge unlink moon house/lamp”.",
		);
		expect(await say("unlink moon")).toMatch(/^Unlinked from MOON \(house\/lamp\)/);
		expect(await say("status")).toContain("MARS, crater");
		expect(await say("unlink moon")).toBe("This room has no link to MOON.");
	});
});

describe("chat and join", () => {
	test("name the room by a link, and say whether an invitation is on its way", async () => {
		expect(await say("chat zog", "ann")).toBe("You are invited to your chat with zog: earth://ann+zog");
		expect(await say("join crater", "ann")).toBe("You are invited to The crater: earth://mars-crater");
		earth.rooms.set("ann+zog", [earth.person("ann")]);
		earth.rooms.set("mars-crater", [earth.person("ann")]);
		earth.invited.length = 0;
		expect(await say("chat zog", "ann")).toBe("You are in your chat with zog already: earth://ann+zog");
		expect(await say("join crater", "ann")).toBe("You are in The crater already: earth://mars-crater");
		expect(earth.invited).toEqual([]);
	});

	test("take the address of a ghost for that of its person", async () => {
		expect(await say("chat @mars-zog", "ann")).toContain("your chat with zog");
		expect(await say("join @mars-crater", "ann")).toContain("The crater");
	});

	test("leave no portal behind that a network refuses", async () => {
		await begin({
			mars: { openDirect: () => Promise.reject(new PermanentError("invalid", "only a nick.")) },
		});
		expect(await say("chat zog", "ann")).toBe("That did not work: only a nick.");
		expect(await mapping.portals()).toEqual([]);
		await expect(
			bridge.openDirect(earth.person("ann"), mars.person("zog"), "made by ann" as RoomId),
		).rejects.toThrow("only a nick.");
		expect(await mapping.portals()).toEqual([]);
	});
});

describe("a room that asks for a password", () => {
	const given: string[] = [];
	const made: (readonly string[] | undefined)[] = [];
	beforeEach(async () => {
		given.length = 0;
		made.length = 0;
		await begin({
			earth: {
				createRoom: async (_of, _address, info) => {
					made.push(info.invites);
					return "made" as RoomId;
				},
			},
			mars: {
				findRoom: async () => {
					throw new PermanentError("forbidden", "it asks for a password");
				},
				unlock: async ([room = ""], password) => {
					given.push(password);
					if (password !== "open sesame") throw new PermanentError("forbidden", "wrong password");
					return { room: room as RoomId, name: "The cave", invites: [] };
				},
			},
		});
	});

	test("is joined with the password from a chat of two, and made for those who are invited", async () => {
		expect(await say("join cave open sesame", "ann", { alone: true })).toMatch(/to The cave/);
		expect([given, made]).toEqual([["open sesame"], [[]]]);
		expect(await say("join cave", "ann", { alone: true })).toContain("it asks for a password");
		expect(await say("join cave guess", "ann", { alone: true })).toContain("wrong password");
	});

	test("takes no password that everybody in a room can read", async () => {
		expect(await say("join cave open sesame", "ann")).toContain("everybody here can read a password");
		expect([given, made]).toEqual([[], []]);
	});
});

describe("a room that the bridge made, in which nobody has the right to change it", () => {
	const here = (text: string, who: string) =>
		typed(bridge, earth, text, { who, room: "made", mayChangeRoom: false });
	beforeEach(async () => {
		await begin({ earth: { createRoom: async () => "made" as RoomId } });
		await bridge.openRoom(earth.name, mars.name, ["crater"]);
	});

	test("has settings that people with the permission to link rooms change", async () => {
		expect(await here("settings reactions text", "owner")).toBe("reactions: text");
		expect(await here("settings reactions drop", "ann")).toContain("may not");
	});

	test("is linked and unlinked by admins alone", async () => {
		expect(await here("unlink mars", "owner")).toContain("only an admin of the bridge");
		expect(await here("link canyon", "owner")).toContain("only an admin of the bridge");
		expect(await here("unlink mars", "boss")).toContain("Unlinked from MARS");
	});

	test("differs in that from a room of people", async () => {
		await say("link canyon");
		for (const who of ["owner", "boss"])
			expect(
				await typed(bridge, earth, "settings reactions text", { who, room: "plaza", mayChangeRoom: false }),
			).toContain("you need the right to change this room's settings");
	});
});

describe("status", () => {
	test("names the side that is away, since when, and what waits for it; the cause for admins alone", async () => {
		await say("link crater");
		await until(
			() => mars.sent.length === 2,
			() => "the joins are not mirrored yet",
		);
		marsIs = { up: false, cause: "connect ECONNREFUSED", since: Date.now() - 5 * 60_000 };
		mars.trouble = () => Promise.reject(new TemporaryError("away"));
		for (const text of ["one", "two"]) await earth.say("plaza", "ann", text);
		const wanted = "MARS, crater: AWAY for 5 minutes; 2 messages wait for it.";
		expect(await say("status", "ann")).toBe(`EARTH, this room: connected.\n${wanted}`);
		expect(await say("status", "boss")).toContain("AWAY for 5 minutes (connect ECONNREFUSED); 2 messages");
	});

	test("says why nothing crosses to a room that the bridge cannot enter, though its side is connected", async () => {
		await say("link crater");
		await until(
			() => mars.sent.length === 2,
			() => "the joins are not mirrored yet",
		);
		mars.hindrance = ({ room }) => `the ${room} bans this bridge.`;
		expect(await say("status", "ann")).toBe(
			"EARTH, this room: connected.\nMARS, crater: connected, but NOTHING CROSSES: the crater bans this bridge.",
		);
		marsIs = { up: false, since: Date.now() };
		expect(await say("status", "ann")).toContain("MARS, crater: AWAY for 1 second.");
	});

	test("of a room without links tells how the sides are", async () => {
		marsIs = { up: false, cause: "no route", since: Date.now() - 3 * 3_600_000 };
		expect(await say("status", "ann")).toBe(
			"This room is not bridged.\nEARTH: connected.\nMARS: AWAY for 3 hours.\nMOON: connected.",
		);
		expect(await say("status", "ann", { alone: true })).toMatch(/^EARTH: connected\./);
	});
});

describe("the bridge tells about itself", () => {
	test("help lists each command as it is typed in that room", async () => {
		expect(await say("help", "ann")).toContain("\n!bridge chat ADDRESS – ");
		expect(await say("help", "ann", { alone: true })).toContain("\nchat ADDRESS – ");
		expect(await say("hepl", "ann")).toContain("Say “!bridge help” for the list.");
		expect(await say("chat", "ann")).toBe("I did not understand that. Say: !bridge chat ADDRESS");
	});

	test("help leaves out what the person may not do, and what their network has no use for", async () => {
		expect(await say("help", "ann")).not.toMatch(/unlink|dead/);
		await begin({ earth: { commandsAlone: true } });
		expect(await say("help", "owner", { alone: true })).not.toMatch(/^(un)?link|^settings/m);
		expect(await say("link crater", "owner", { alone: true })).toContain("a chat with me cannot be linked");
	});

	test("a command of a room is usable by a form that names the room, where commands are given elsewhere", async () => {
		await begin({ earth: { commandsAlone: true } });
		const usable = bridge.commandsFor(earth.person("owner")).map(({ name }) => name);
		expect(usable).toEqual(expect.arrayContaining(["link", "unlink", "settings"]));
		let answer = "";
		const call = (text: string, mayChange: boolean) =>
			bridge.command({
				...{ id: `named ${text} ${mayChange}` as MessageId, network: earth.name, room: "plaza" as RoomId },
				...{ named: true, sender: earth.person("owner"), text, prefix: "", private: true },
				mayChangeRoom: async () => mayChange,
				reply: async (words) => {
					answer = words;
				},
			});
		await call("link mars crater", false);
		expect(answer).toContain("the right to change this room");
		await call("link mars crater", true);
		expect(answer).toContain("Linked to The crater");
	});

	test("version", async () => {
		expect(await say("version", "ann")).toMatch(/^Trivium 9\.9, running for \d+ seconds?\.$/);
	});

	test("the greeting names what the person may do, once in each room", async () => {
		const greet = (who: string, room: string, prefix = "!bridge ") =>
			bridge.greeting(earth.person(who), { network: earth.name, room: room as RoomId, prefix });
		const forAnn = await greet("ann", "plaza");
		expect(forAnn).toMatch(/^Hello ann! I am Trivium, the bridge between EARTH, MARS and MOON\./);
		expect(forAnn).toContain("\n!bridge join ROOM [PASSWORD] – ");
		expect(forAnn).not.toContain("link");
		expect(forAnn).toMatch(/“!bridge help” lists everything\.$/);
		expect(await greet("owner", "plaza")).toBeUndefined();
		expect(await greet("owner", "market", "")).toMatch(/\nlink .*\n“help” lists/s);
	});
});

test("at a start the bridge removes a chat of two that never came about, and names the rooms of others in the log", async () => {
	const portal = {
		id: "p1",
		between: [earth.person("ann"), mars.person("zog")],
		links: [
			{ id: "l1", network: earth.name, role: "direct", room: "old", in: true, out: true },
			{ id: "l2", network: mars.name, role: "direct", in: true, out: true },
		],
	} as unknown as Parameters<typeof mapping.savePortal>[0];
	await mapping.savePortal(portal);
	await say("link crater");
	const logged: [string, object][] = [];
	const note = (fields: object, message: string) => void logged.push([message, fields]);
	const log = { debug: note, info: note, warn: note, error: note, child: () => log };
	earth.attach = () => Promise.reject(new PermanentError("forbidden", "not here."));
	await bridgeOf([earth, mars, moon], rulesFor({ "*": "use" }), { mapping, log }).start();
	await until(
		() => logged.length >= 2,
		() => JSON.stringify(logged),
	);
	expect((await mapping.portals()).map(({ id }) => id)).not.toContain("p1");
	expect(logged).toContainEqual([
		"removed a chat of two that a network had refused",
		{ rooms: ["EARTH old"], cause: "not here." },
	]);
	expect(logged).toContainEqual([
		"a network refused a link; unlink it, or remove the cause",
		expect.objectContaining({ rooms: ["EARTH plaza", "MARS crater"] }),
	]);
});
