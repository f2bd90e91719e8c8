import { beforeEach, describe, expect, test } from "vitest";
import { createGuard } from "../../src/core/guard.ts";
import type { RoomId } from "../../src/core/ids.ts";
import type { Client } from "../../src/matrix/client.ts";
import { MatrixError } from "../../src/matrix/client.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createPolicyLists, matches } from "../../src/matrix/policy-lists.ts";
import { fakeNetwork, quiet } from "../fakes.ts";

const list = "!bans" as RoomId;
const rule = (
	type: string,
	entity: string | undefined,
	recommendation = "m.ban",
	key = entity,
): MatrixEvent => ({
	...{ type, event_id: "$rule", room_id: list, sender: "@mod:hs.test", origin_server_ts: 1 },
	state_key: key ?? "",
	content: entity === undefined ? {} : { entity, recommendation, reason: "spam" },
});
const romeo = {
	...fakeNetwork("xmpp").person("romeo"),
	address: ["romeo@montague.test"],
	handles: ["romeo@montague.test"],
	domain: "montague.test",
};

let state: MatrixEvent[];
let changed: string[];
let lists: ReturnType<typeof createPolicyLists>;
beforeEach(() => {
	[state, changed] = [[], []];
	const client = {
		join: async (address: string) => {
			if (address === "#none:hs.test") throw new MatrixError(404, "M_NOT_FOUND", "no such room");
			return { room_id: list };
		},
		call: async () => state,
	} as unknown as Client;
	lists = createPolicyLists({
		...{ client, rooms: { botCame: () => undefined }, domain: "hs.test", guard: createGuard(quiet) },
		changed: async (room) => void changed.push(room),
	});
});

describe("a policy list", () => {
	test.each([
		["m.policy.rule.user", "@_xmpp_romeo=40montague.test:hs.test"],
		["m.policy.rule.user", "@_xmpp_*montague.test:hs.test"],
		["m.policy.rule.user", "romeo@montague.test"],
		["m.policy.rule.server", "montague.test"],
		["m.policy.rule.server", "*.test"],
		["m.room.rule.server", "montague.t?st"],
		["org.matrix.mjolnir.rule.user", "@_XMPP_ROMEO*"],
	])("bans by %s %s, as the room had it when it was read", async (type, entity) => {
		state = [rule(type, entity)];
		expect(await lists.follow("#bans:hs.test")).toBe(list);
		expect(lists.bans(list, romeo)).toBe(true);
	});

	test.each([
		["m.policy.rule.user", "@_xmpp_juliet*", "m.ban"],
		["m.policy.rule.server", "montague", "m.ban"],
		["m.policy.rule.room", "*", "m.ban"],
		["m.policy.rule.server", "montague.test", "org.example.watch"],
	])("does not ban by %s %s (%s)", async (type, entity, recommendation) => {
		state = [rule(type, entity, recommendation)];
		await lists.follow("#bans:hs.test");
		expect(lists.bans(list, romeo)).toBe(false);
	});

	test("is followed live: a new rule bans, and its end lifts the ban", async () => {
		await lists.follow("#bans:hs.test");
		expect(lists.bans(list, romeo)).toBe(false);
		lists.note(rule("m.policy.rule.server", "montague.test", "org.matrix.mjolnir.ban", "r1"));
		expect(lists.bans(list, romeo)).toBe(true);
		lists.note(rule("m.policy.rule.server", undefined, "", "r1"));
		expect(lists.bans(list, romeo)).toBe(false);
		lists.note({ ...rule("m.policy.rule.server", "*"), room_id: "!elsewhere" });
		expect(lists.bans(list, romeo)).toBe(false);
		await new Promise((resolve) => setImmediate(resolve));
		expect(changed).toEqual([list, list]);
	});

	test("is refused with the reason when there is none at the address, or the address is none", async () => {
		for (const address of ["#none:hs.test", "bans", "#b ans"])
			await expect(lists.follow(address)).rejects.toThrow(/no list of banned people at/);
	});
});

test("a glob of many stars costs no more than its length times that of the name", () => {
	const began = process.cpuUsage();
	expect(matches(`${"*a".repeat(120)}b`, "a".repeat(250))).toBe(false);
	expect(process.cpuUsage(began).user).toBeLessThan(1_000_000);
});
