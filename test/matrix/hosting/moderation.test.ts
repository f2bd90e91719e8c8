import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RoomId } from "../../../src/core/ids.ts";
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
