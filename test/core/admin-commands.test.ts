import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError } from "../../src/core/errors.ts";
import type { NetworkName, RoomId } from "../../src/core/ids.ts";
import type { Network } from "../../src/core/network.ts";
import type { Permissions } from "../../src/core/permissions.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor, command as typed } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, until } from "../fakes.ts";

let earth: Fake;
let mars: Fake;
let bridge: Running;
let mapping: ReturnType<typeof createMemoryMapping>;
let journal: ReturnType<typeof createMemoryJournal>;

async function begin(globs: Permissions = {}, over: Partial<Network> = {}) {
	earth = fakeNetwork("earth", {
		handle: (text) => (/@(earth|spam)$/.test(text) ? text : undefined),
		standsFor: ([text = ""]) =>
			text.startsWith("@mars-") ? { network: "mars" as NetworkName, address: [text.slice(6)] } : undefined,
		...over,
	});
	mars = fakeNetwork("mars", { hides: (glob) => (glob.includes("earth") ? undefined : "Nicks hide.") });
	earth.rooms.set("plaza", ["ann", "eve", "owner"].map(earth.person));
	mars.rooms.set("crater", [mars.person("zog")]);
	const rules = rulesFor({ "*": "use", "owner@*": "admin", "*@spam": "block", ...globs });
	bridge = bridgeOf([earth, mars], { ...rules, blocked: ["*@spam"] }, { mapping, journal });
	await bridge.start();
}

const say = (text: string, alone = false, who = "owner") =>
	typed(bridge, earth, text, { who, room: "plaza", alone });
/** Waits for the joins and leaves that a network was told, as "name join". */
const moves = (fake: Fake, ...expected: string[]) => {
	const seen = () =>
		fake.sent.flatMap(({ event }) =>
			event.kind === "membership" ? [`${event.sender.name} ${event.change}`] : [],
		);
	return until(
		() => seen().length >= expected.length,
		() => seen().join(", "),
	).then(() => expect(seen()).toEqual(expected));
};

beforeEach(async () => {
	mapping = createMemoryMapping();
	journal = createMemoryJournal();
	await begin();
	await say("link crater");
	await moves(mars, "ann join", "eve join", "owner join");
});

describe("block", () => {
	test("keeps a person out at once, and has their ghost leave the other rooms", async () => {
		expect(await say("block <eve@earth>,")).toBe(
			"Blocked: eve@earth. 1 person is no longer shown in bridged rooms.",
		);
		await moves(mars, "ann join", "eve join", "owner join", "eve leave");
		await earth.say("plaza", "eve", "hello?");
		await earth.say("plaza", "ann", "hello");
		await until(
			() => lines(mars).length === 1,
			() => lines(mars).join(),
		);
		expect(lines(mars)).toEqual(["ann: hello"]);
		expect(await say("status", false, "eve")).toContain("you are blocked on this bridge");
	});

	test("outlives a restart: the ghost of a blocked person does not come back", async () => {
		await say("block eve@earth");
		await moves(mars, "ann join", "eve join", "owner join", "eve leave");
		await bridge.stop(100);
		const brought: string[] = [];
		await begin();
		mars.attach = async (_portal, _link, members = []) => {
			brought.push(...members.map(({ name = "" }) => name));
		};
		await bridge.sync(earth.name, "plaza" as RoomId, ["ann", "eve", "owner"].map(earth.person));
		await earth.say("plaza", "eve", "still here");
		await earth.say("plaza", "ann", "bye");
		await until(
			() => lines(mars).length === 1,
			() => lines(mars).join(),
		);
		expect(mars.sent.map(({ event }) => event.sender.name)).toEqual(["ann"]);
		expect(brought).not.toContain("eve");
	});

	test("of the config shows out who was shown before, when the room is read anew", async () => {
		await bridge.stop(100);
		await begin({ "eve@earth": "block" });
		await bridge.sync(earth.name, "plaza" as RoomId, ["ann", "eve", "owner"].map(earth.person));
		await moves(mars, "eve leave");
	});

	test("takes a pattern, a domain and the address of a ghost, and says whom it cannot reach", async () => {
		expect(await say("block *@moon")).toBe(
			"Blocked: *@moon. Nobody in a bridged room has that address now. Nicks hide.",
		);
		expect(await say("block moon.example")).toContain("Blocked: moon.example.");
		expect(await say("block @mars-zog")).toContain("Blocked: zog@mars. ");
	});

	test.each([
		["block eve", "is neither an address nor a pattern"],
		["block a b.c", "is neither an address nor a pattern"],
		["block @eve", "is neither an address nor a pattern"],
		["block eve.", "is neither an address nor a pattern"],
		["block @mars-nobody", "nobody has the address @mars-nobody"],
		["block owner@earth", "owner@earth is an admin by the bridge's config"],
	])("%s is refused: %s", async (text, why) => {
		expect(await say(text)).toContain(why);
		expect(await say("blocks", true)).toBe("*@spam (by the config)");
	});

	test("of everybody holds for all but admins", async () => {
		await say("block *");
		expect(await say("help", false, "ann")).toContain("blocked");
		expect(await say("help")).toContain("unblock");
	});

	test("is listed to admins in a chat alone, with the blocks of the config", async () => {
		await say("block eve@earth");
		await say("block *@moon");
		const day = new Date().toISOString().slice(0, 10);
		expect(await say("blocks")).toContain("Ask me in a chat of the two of us");
		expect(await say("blocks", true)).toBe(
			`eve@earth (since ${day})\n*@moon (since ${day})\n*@spam (by the config)`,
		);
		expect(await say("blocks", true, "ann")).toContain("may not");
		expect(await say("block eve@earth")).toBe("eve@earth is blocked already.");
	});
});

describe("unblock", () => {
	test("lets a person in again, who is shown when they write", async () => {
		await say("block eve@earth");
		expect(await say("unblock eve@earth")).toBe(
			"No longer blocked: eve@earth. In a room they are shown again when they write.",
		);
		await earth.say("plaza", "eve", "back");
		await until(
			() => lines(mars).includes("eve: back"),
			() => lines(mars).join(),
		);
		expect(await say("blocks", true)).toBe("*@spam (by the config)");
	});

	test.each([
		["unblock ann@earth", "ann@earth is not blocked."],
		["unblock x@spam", "x@spam is blocked by the bridge's config"],
		["unblock eve@earth", "eve@earth is still blocked by “*@earth”."],
	])("%s says what is so: %s", async (text, answer) => {
		if (text.includes("eve")) await say("block *@earth");
		expect(await say(text)).toContain(answer);
	});
});

describe("rooms", () => {
	test("lists each portal with both sides as people know them, and what waits", async () => {
		earth.label = async ({ room }) => `The ${room} (#${room})`;
		mars.label = () => Promise.reject(new Error("away"));
		await bridge.openDirect(earth.person("ann"), mars.person("zog"), "ann+zog" as RoomId);
		expect(await say("rooms")).toContain("Ask me in a chat of the two of us");
		expect(await say("rooms", true)).toBe(
			"Bridged rooms and chats: 2.\n" +
				"• EARTH The plaza (#plaza) ↔ MARS crater\n" +
				"• chat: EARTH ann (ann@earth) ↔ MARS zog (zog@mars)",
		);
	});

	test("names the room that the bridge cannot enter", async () => {
		mars.hindrance = () => "the crater bans this bridge.";
		expect(await say("rooms", true)).toContain(
			"• EARTH plaza ↔ MARS crater; nothing crosses: the crater bans",
		);
	});

	test("comes in pages", async () => {
		for (let n = 0; n < 16; n++) {
			mars.rooms.set(`r${n}`, []);
			await bridge.openRoom(earth.name, mars.name, [`r${n}`]);
		}
		const [first, second] = [await say("rooms", true), await say("rooms 2", true)];
		expect(first.split("\n")).toHaveLength(17);
		expect(first).toMatch(/Page 1 of 2\. The next one: “rooms 2”\.$/);
		expect(second.split("\n")).toHaveLength(4);
		expect(second).toMatch(/Page 2 of 2\.$/);
		expect(await say("rooms 99", true)).toBe(second);
		expect(await say("rooms all", true)).toContain("Say: rooms [PAGE]");
	});
});

test("dead shows in a room what concerns this room alone", async () => {
	mars.rooms.set("valley", []);
	earth.rooms.set("market", [earth.person("bob")]);
	await typed(bridge, earth, "link valley", { who: "owner", room: "market" });
	mars.trouble = () => Promise.reject(new PermanentError("failed", "the dome is closed."));
	await earth.say("market", "bob", "secret");
	await until(
		() => earth.refused.length > 0,
		() => "not refused",
	);
	expect(await say("dead")).toMatch(/^Everything from and to this room was delivered\./);
	expect(await say("dead", true)).toMatch(/bob \(bob@earth\) to MARS valley: the dome is closed\./);
	expect(await typed(bridge, earth, "dead", { who: "owner", room: "market" })).toContain("bob");
	expect(await typed(bridge, earth, "dead", { who: "owner", room: "nowhere" })).toContain("not bridged");
});
