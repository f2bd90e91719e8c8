import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { NetworkName, UserId } from "../../src/core/ids.ts";
import type { Person } from "../../src/core/person.ts";
import { type Client, createMatrixClient } from "../../src/matrix/client.ts";
import { partsOf } from "../../src/matrix/ghost-name.ts";
import { createGhosts, NoGhost } from "../../src/matrix/ghosts.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { type FakeHomeserver, fakeHomeserver } from "./fake-homeserver.ts";

let hs: FakeHomeserver;
let client: Client;
/** The names that look like somebody else's in the room !r. */
const mistakable = new Set(["Alice", "A".repeat(300)]);
/** The real names that were compared with those in a room, behind the ghost. */
let compared: string[];
let ghosts: ReturnType<typeof createGhosts>;
beforeEach(async () => {
	compared = [];
	hs = await fakeHomeserver();
	client = createMatrixClient({ homeserver: hs.url, token: "as-test" });
	ghosts = createGhosts({
		client,
		mapping: createMemoryMapping(),
		domain: "hs.test",
		comparison: (ghost, room) => ({
			isMistakable: (name) => room === "!r" && mistakable.has(name),
			isTaken: (name) => {
				compared.push(`${ghost} ${name}`);
				return room !== "!r" || mistakable.has(name);
			},
		}),
	});
});
afterEach(async () => {
	client.close();
	await hs.close();
});

const person = (id: string, address: readonly string[], name?: string): Person => ({
	network: "xmpp" as NetworkName,
	id: id as UserId,
	address,
	handles: [],
	domain: "x",
	...(name && { name }),
});
const occupant = (id: string, name = "Romeo") =>
	person(`verona@muc.x/${id}`, ["verona@muc.x", "Romeo"], name);

describe("createGhosts", () => {
	test("registers and names a ghost once, however many lanes need it at once", async () => {
		const romeo = person("romeo@x", ["romeo@x"], "Romeo");
		const all = await Promise.all([1, 2, 3].map(() => ghosts.ensure(romeo)));
		expect(new Set(all)).toEqual(new Set(["@_xmpp_romeo=40x:hs.test"]));
		expect(hs.asked("POST", /register$/)).toHaveLength(1);
		expect(hs.asked("PUT", /displayname$/)).toHaveLength(1);
	});

	test("sets a new name, and keeps the old one for a person without a name", async () => {
		const mxid = await ghosts.ensure(person("romeo@x", ["romeo@x"], "Romeo"));
		await ghosts.ensure(person("romeo@x", ["romeo@x"], "Romeo M."));
		await ghosts.ensure(person("romeo@x", ["romeo@x"]));
		expect(hs.users.get(mxid)).toBe("Romeo M.");
		expect(hs.asked("PUT", /displayname$/)).toHaveLength(2);
	});

	test("names a person without a name by their address, not by the ghost's localpart", async () => {
		expect(hs.users.get(await ghosts.ensure(person("romeo@x", ["romeo@x"])))).toBe("romeo@x");
	});

	test("names an occupant with an invisible nick by the room", async () => {
		await ghosts.ensure(person("verona@muc.x/1", ["verona@muc.x", "\u1160"]));
		expect([...hs.users.values()]).toEqual([expect.stringMatching(/^verona@muc\.x/)]);
	});

	test("gives the next holder of a nick another ghost, and keeps the first one's person", async () => {
		const first = await ghosts.ensure(occupant("id1"));
		expect(first).toBe("@_xmpp_verona=40muc.x/=52omeo:hs.test");
		expect(await ghosts.ensure(occupant("id2"))).toBe("@_xmpp_verona=40muc.x/=52omeo/2:hs.test");
		expect(await ghosts.ensure(occupant("id3"))).toBe("@_xmpp_verona=40muc.x/=52omeo/3:hs.test");
		expect(await ghosts.ensure(occupant("id1", "Romy"))).toBe(first);
		expect((await ghosts.person(first))?.id).toBe("verona@muc.x/id1");
	});

	test("gives two people who take a nick at once two ghosts", async () => {
		const both = await Promise.all([ghosts.ensure(occupant("id1")), ghosts.ensure(occupant("id2"))]);
		expect(new Set(both).size).toBe(2);
	});

	test("registers a ghost after an earlier failure", async () => {
		hs.fail(() => ({ status: 502, body: "" }));
		await expect(ghosts.ensure(occupant("id1"))).rejects.toThrow();
		hs.fail(() => undefined);
		expect(await ghosts.ensure(occupant("id1"))).toMatch(/^@_xmpp_/);
	});

	test("cuts a name that is longer than homeservers accept", async () => {
		const mxid = await ghosts.ensure(person("romeo@x", ["romeo@x"], "🌹".repeat(300)));
		const name = hs.users.get(mxid) ?? "";
		expect([...name]).toHaveLength(256);
		expect(name).toMatch(/^🌹{255}…$/u);
	});
});

describe("createGhosts: the rate limits", () => {
	// A limit grants more while a busy machine stands still, so its clock does. The limit takes it when it is made.
	beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"] }));
	afterAll(() => void vi.useRealTimers());
	const make = (all: readonly Person[]) =>
		Promise.allSettled(all.map((one) => ghosts.ensure(one))).then(
			(done) => done.filter(({ status }) => status === "fulfilled").length,
		);
	const crowd = (count: number, muc: string) =>
		Array.from({ length: count }, (_, n) => person(`${muc}/n${n}`, [muc, `n${n}`]));

	test("register at most the limit of one room, and keep existing ghosts usable", async () => {
		const known = await ghosts.ensure(person("evil@muc.x/n0", ["evil@muc.x", "n0"]));
		const made = await make(crowd(300, "evil@muc.x"));
		expect(made).toBeGreaterThanOrEqual(100);
		expect(made).toBeLessThan(105);
		expect(hs.asked("POST", /register$/)).toHaveLength(made);
		expect(await ghosts.ensure(person("evil@muc.x/n0", ["evil@muc.x", "n0"]))).toBe(known);
		await expect(ghosts.ensure(person("evil@muc.x/new", ["evil@muc.x", "new"]))).rejects.toThrow(NoGhost);
		expect(await make(crowd(1, "verona@muc.x"))).toBe(1);
	});

	test("register at most the limit of one domain, and do not delay other domains", async () => {
		let made = 0;
		for (let n = 0; n < 7; n++) made += await make(crowd(99, `evil${n}@muc.x`));
		expect(made).toBeGreaterThanOrEqual(500);
		expect(made).toBeLessThan(520);
		const stranger = { ...person("romeo@good", ["romeo@good"]), domain: "good" };
		expect(await make([stranger])).toBe(1);
	});
});

describe("a name that looks like that of somebody else in the room", () => {
	test("stands with the address behind it, in every room, until the person has another name", async () => {
		const alice = (name: string) => occupant("id", name);
		const mxid = await ghosts.ensure(alice("Alice"), "!r");
		const name = () => hs.users.get(mxid);
		expect(name()).toBe("Alice (verona@muc.x)");
		await ghosts.ensure(alice("Alice"), "!other");
		expect(name()).toBe("Alice (verona@muc.x)");
		await ghosts.ensure(alice("Romeo"), "!r");
		expect(name()).toBe("Romeo");
		await ghosts.ensure(alice("Alice"), "!other");
		expect(name()).toBe("Alice");
	});
});

describe("a name that claims an address or a rank", () => {
	test.each([
		["Alice (alice@capulet.test)"],
		["@alice:hs.test"],
		["alice＠capulet.test"],
		["Romeo (owner)"],
		["Romeo [Host]"],
	])("%s stands with the bearer's own address behind it", async (name) => {
		const mxid = await ghosts.ensure(occupant("id", name), "!other");
		expect(hs.users.get(mxid)).toBe(`${name} (verona@muc.x)`);
	});

	test("is no name with an at-sign alone, nor the bearer's own address", async () => {
		for (const name of ["Romeo @work", "R@meo", "romeo@x.test"]) {
			const mxid = await ghosts.ensure(person("romeo@x.test", ["romeo@x.test"], name), "!other");
			expect(hs.users.get(mxid)).toBe(name);
		}
	});
});

describe("the real name of an occupant", () => {
	const nick = (name: string, realName?: string | null, id = "id1") => ({
		...occupant(id, name),
		...(realName !== undefined && { realName }),
	});
	const name = () => [...hs.users.values()].at(-1);

	test("stands behind the nick, stays there while nobody tells it, and changes and goes with it", async () => {
		const shown: unknown[] = [];
		for (const real of ["Romeo Montague", undefined, "R. Montague", null]) {
			await ghosts.ensure(nick("rm42", real), "!r");
			shown.push(name());
		}
		expect(shown).toEqual(["rm42 (Romeo Montague)", "rm42 (Romeo Montague)", "rm42 (R. Montague)", "rm42"]);
		await ghosts.ensure(nick("rm42", "Romeo Montague"), "!r");
		await ghosts.ensure(nick("rm43"), "!r");
		expect(name()).toBe("rm43 (Romeo Montague)");
	});

	test("is not shown where it is somebody else's in the room, and is compared once", async () => {
		for (let n = 0; n < 3; n++) await ghosts.ensure(nick("rm42", "Alice"), "!r");
		expect(name()).toBe("rm42");
		expect(compared).toEqual(["undefined Alice"]);
	});

	test("gives way to the address behind a nick that is somebody else's", async () => {
		await ghosts.ensure(nick("Alice", "Romeo Montague"), "!r");
		expect(name()).toBe("Alice (verona@muc.x)");
	});

	test.each([
		"juliet@capulet.lit",
		"Juliet, owner",
		"Room Оwner",
		"the moderator",
		"Juliet (Capulet)",
		"Juliet\uff08Capulet\uff09",
		"Rm42",
		"x".repeat(250),
		"\u200b",
	])("is not shown where people could take it for a mark or the nick: %j", async (real) => {
		await ghosts.ensure(nick("rm42", real), "!r");
		expect(name()).toBe("rm42");
	});
});

test("the parts of a name with a real name count as names, too", () => {
	expect(partsOf("rm42 (Romeo Montague)")).toEqual(["rm42 (Romeo Montague)", "rm42", "Romeo Montague"]);
	for (const labelled of ["rm42 (Romeo Montague) (owner)", "rm42 (Romeo Montague, owner)"])
		expect(partsOf(labelled)).toEqual([labelled, "rm42", "Romeo Montague", "owner"]);
	for (const name of ["Romeo", "Montague, Romeo"]) expect(partsOf(name)).toEqual([name]);
});
