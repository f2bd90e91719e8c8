import { describe, expect, test } from "vitest";
import type { Levels } from "../../../src/core/hosting.ts";
import { factsOfInvite, factsOfState, factsOfSummary } from "../../../src/matrix/hosting/facts.ts";
import { sampleEvent } from "../samples.ts";

const room = "!abc:hs.test";
const levels = { of: new Map(), others: 0, needed: {} } as unknown as Levels;
const inside = (state: Parameters<typeof factsOfState>[1]) =>
	factsOfState(room, state, { count: 2, listed: false, levels }, "hs.test");
const outside = (summary: Record<string, unknown>) =>
	factsOfSummary(room, summary, { listed: true, local: false }, "hs.test");

describe("the facts of a room", () => {
	test("come from its state for somebody inside", () => {
		expect(
			inside({
				"m.room.create": { room_version: "11" },
				"m.room.name": { name: "The\nlobby" },
				"m.room.topic": { topic: "Stars" },
				"m.room.canonical_alias": { alias: "#lobby:hs.test" },
				"m.room.avatar": { url: "mxc://hs.test/pic" },
				"m.room.join_rules": { join_rule: "public" },
			}),
		).toEqual({
			...{ room, id: "abc:hs.test", name: "The lobby", topic: "Stars", alias: ["lobby"] },
			...{ picture: expect.stringContaining("mxc://hs.test/pic"), entry: "everybody" },
			...{ local: true, listed: false, count: 2, levels },
		});
	});

	test.each([
		["encrypted", { "m.room.encryption": { algorithm: "m.megolm.v1.aes-sha2" } }],
		["space", { "m.room.create": { type: "m.space" } }],
	] as const)("say that no other network can show it: %s", (unfit, state) => {
		expect(inside(state)).toMatchObject({ unfit });
	});

	test.each([
		["joined", true],
		["invited", true],
		["shared", undefined],
		["world_readable", undefined],
		[undefined, undefined],
	])(
		"tell of the history visibility %s whether newcomers read the past",
		(history_visibility, pastHidden) => {
			expect(inside({ "m.room.history_visibility": { history_visibility } }).pastHidden).toBe(pastHidden);
		},
	);

	test("name the room that has taken its place", () => {
		expect(inside({ "m.room.tombstone": { replacement_room: "!next" } })).toMatchObject({
			successor: { kind: "id", id: "next" },
		});
		expect(inside({ "m.room.tombstone": { replacement_room: "next" } })).not.toHaveProperty("successor");
	});

	test.each(["invite", "knock", "restricted", "private", undefined])(
		"ask for an invitation where the join rule is %s",
		(join_rule) => expect(inside({ "m.room.join_rules": { join_rule } }).entry).toBe("invited"),
	);

	test("come from its summary for somebody outside, without power levels", () => {
		expect(
			outside({
				...{ name: "Lobby", topic: "Stars", canonical_alias: "#lobby:far.test", num_joined_members: 3 },
				...{ join_rule: "knock", encryption: "m.megolm.v1.aes-sha2", avatar_url: "javascript:alert(1)" },
			}),
		).toEqual({
			...{ room, id: "abc:hs.test", name: "Lobby", topic: "Stars", alias: ["lobby", "far.test"] },
			...{ entry: "invited", unfit: "encrypted", count: 3, listed: true, local: false },
		});
		expect(outside({})).toMatchObject({ entry: "everybody", count: 0 });
		expect(outside({ num_joined_members: -1, name: 7, topic: [] })).toMatchObject({ count: 0 });
	});

	test("come from the invitation where nothing else tells of the room", () => {
		const stripped = [
			{ type: "m.room.name", state_key: "", content: { name: "Secret" } },
			{ type: "m.room.create", state_key: "", content: { type: "m.space" } },
			"nonsense",
		];
		const event = sampleEvent({ room_id: room, unsigned: { invite_room_state: stripped } as never });
		expect(factsOfInvite(event, "hs.test")).toMatchObject({
			...{ name: "Secret", entry: "invited", unfit: "space", local: false },
		});
		expect(factsOfInvite(sampleEvent({ room_id: room }), "hs.test")).toMatchObject({ entry: "invited" });
	});
});
