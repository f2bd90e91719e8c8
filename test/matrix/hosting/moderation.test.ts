import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RoomId, UserId } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import { seedMark } from "../../../src/matrix/hosting/facts.ts";
import { matrixNetwork } from "../../../src/matrix/mxid.ts";
import { hostedWorld } from "./world.ts";

let world: Awaited<ReturnType<typeof hostedWorld>>;
let room: ReturnType<typeof world.room>;
const romeo = "@_xmpp_romeo:hs.test";
const tybalt = "@_xmpp_tybalt:hs.test";

beforeEach(async () => {
	world = await hostedWorld();
	room = world.room();
	await world.enter(room.id);
});
afterEach(() => world.stop());

describe("a person whose ghost has no account", () => {
	test("has the power level of that ghost, and is among the people with one", async () => {
		const { hs, alice, hosting } = world;
		hs.emit(room, alice, "m.room.power_levels", { users: { [alice]: 100, [tybalt]: 50 } }, { state_key: "" });
		const { facts } = await hosting.view(room.id as RoomId);
		expect([...(facts.levels?.of ?? [])]).toEqual([
			[`matrix ${alice}`, 100],
			["xmpp tybalt@xmpp", 50],
		]);
		expect(facts.levels?.people.map(({ network, address }) => [network, ...address])).toEqual([
			["matrix", "alice"],
			["xmpp", "tybalt"],
		]);
	});

	test("is seen to be banned, and let in again", async () => {
		const { hs, alice, lines } = world;
		const ban = hs.member(room, tybalt, "ban", alice, { reason: "brawl" });
		await hs.push([ban, hs.member(room, tybalt, "leave", alice)]);
		expect(lines()).toEqual(["tybalt (xmpp) is banned by Alice: brawl", "tybalt (xmpp) is out by Alice"]);
	});
});

test("the banned and the invited are listed with the reason, as a ghost in the room reads them", async () => {
	const { hs, alice, hosting } = world;
	hs.member(room, tybalt, "ban", alice, { reason: "brawl" });
	hs.member(room, "@bob:other.test", "invite", alice);
	const list = (which: "banned" | "invited") => hosting.absent(room.id as RoomId, world.romeo, which);
	expect(await list("banned")).toEqual([{ network: "xmpp", address: ["tybalt"], reason: "brawl" }]);
	expect(await list("invited")).toEqual([{ network: "matrix", address: ["bob", "other.test"] }]);
	expect(hs.seen.filter(({ path }) => path.endsWith("/members")).map(({ as }) => as)).toEqual([romeo, romeo]);
});

describe("in a room that the bot has made, the bot", () => {
	const bot = "@trivium:hs.test";
	const made = async () => {
		const { hs, core } = world;
		const one = hs.room(bot, { preset: "public_chat" });
		const [id, state_key] = [one.id as RoomId, ""];
		hs.emit(one, bot, "m.room.create", { room_version: "11", ...seedMark("seed") }, { state_key });
		hs.emit(one, bot, "m.room.power_levels", { users: { [bot]: 150, [romeo]: 100 } }, { state_key });
		await core.views.open(matrixNetwork, id, `view of ${id}` as RoomId, world.romeo);
		await world.hosting.enter(id, world.romeo);
		return { id, one, last: () => one.timeline.at(-1)! };
	};

	test("removes and bans for a moderator, whom it names in the reason", async () => {
		const { hosting, hs, xmpp } = world;
		const { id, one, last } = await made();
		hs.member(one, tybalt, "join", tybalt);
		await hosting.moderate(id, world.romeo, "kick", xmpp.person("tybalt"), "loud");
		expect([last().sender, last().state_key, last().content]).toEqual([
			...[bot, tybalt],
			{ membership: "leave", reason: "loud (by Romeo)" },
		]);
		// The admin need not be in the room.
		await hosting.moderate(id, { ...xmpp.person("paris"), name: "Paris" }, "ban", xmpp.person("tybalt"));
		expect(last().content).toEqual({ membership: "ban", reason: "by Paris" });
		const banned = await hosting.absent(id, xmpp.person("paris"), "banned");
		expect(banned).toMatchObject([{ network: "xmpp", address: ["tybalt"] }]);
	});

	test("sets levels and invites for owners, and is none of the owners itself", async () => {
		const { hosting, xmpp } = world;
		const { id, last } = await made();
		await hosting.setLevels(id, world.romeo, [{ whom: xmpp.person("tybalt"), level: 100 }]);
		expect([last().sender, last().type]).toEqual([bot, "m.room.power_levels"]);
		expect(last().content.users).toMatchObject({ [romeo]: 100, [tybalt]: 100 });
		await hosting.invite(id, { ...xmpp.person("paris"), name: "Paris" }, xmpp.person("tybalt"));
		expect([last().sender, last().state_key, last().content.reason]).toEqual([bot, tybalt, "by Paris"]);
		const bob: Person = { ...xmpp.person("bob"), network: matrixNetwork, id: "@bob:hs.test" as UserId };
		await hosting.invite(id, world.romeo, bob, "for bob");
		expect([last().sender, last().state_key, last().content]).toEqual([
			...[romeo, bob.id],
			{ membership: "invite", reason: "for bob" },
		]);
		const { facts } = await hosting.view(id);
		expect(facts.made).toBe(true);
		expect(facts.levels?.people.map(({ id }) => id)).not.toContain(bot);
		expect(facts.levels?.creators.size).toBe(0);
	});

	test("keeps its place and its power, in each spelling of its address", async () => {
		const { hosting } = world;
		const { id, last } = await made();
		const before = last();
		const named = [["trivium"], ["trivium", "hs.test"]];
		for (const whom of named) {
			const refused = { reason: "forbidden", message: expect.stringContaining("keeps its place") };
			const lower = [{ whom, level: 50 }];
			await expect(hosting.setLevels(id, world.romeo, lower)).rejects.toMatchObject(refused);
			await expect(hosting.configure(id, world.romeo, { levels: lower })).rejects.toMatchObject(refused);
			await expect(hosting.moderate(id, world.romeo, "kick", whom)).rejects.toMatchObject(refused);
			await expect(hosting.create("new", world.romeo, { levels: lower }, "seed")).rejects.toMatchObject(
				refused,
			);
		}
		expect(last()).toBe(before);
	});

	test("writes the ban of a domain into the room as a rule, and takes it back", async () => {
		const { hosting } = world;
		const { id, last } = await made();
		await hosting.banDomain(id, world.romeo, "verona.test", { reason: "spam" });
		expect([last().sender, last().type]).toEqual([bot, "m.policy.rule.server"]);
		expect(last().content).toEqual({ entity: "verona.test", recommendation: "m.ban", reason: "spam" });
		const { state_key } = last();
		const { hs, lines } = world;
		await hs.push([last()]);
		expect(lines().at(-1)).toBe("verona.test is banned: spam");
		await hosting.banDomain(id, world.romeo, "verona.test", undefined);
		expect([last().state_key, last().content]).toEqual([state_key, {}]);
		// People of the room may do that, too.
		await hs.push([last()]);
		expect(lines().at(-1)).toBe("verona.test is let in");
	});
});
