import { describe, expect, test } from "vitest";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createMembers } from "../../src/matrix/members.ts";

const room = "!r";
const ghost = "@_xmpp_romeo:hs.test";
const joins = {
	type: "m.room.member",
	room_id: room,
	state_key: ghost,
	content: { membership: "join", displayname: "Romeo" },
} as unknown as MatrixEvent;

describe("a ghost that joins", () => {
	test.each(["before", "after"])(
		"has its name, whether the answer to the join comes before or after the member event (%s)",
		async (when) => {
			const members = createMembers({ joinedMembers: async () => ({ joined: {} }) }, "hs.test");
			await members.read(room);
			if (when === "before") members.came(room, ghost);
			members.apply(joins);
			if (when === "after") members.came(room, ghost);
			expect(members.of(room).get(ghost)).toBe("Romeo");
		},
	);

	test("has no localpart as its name until the member event comes", async () => {
		const members = createMembers({ joinedMembers: async () => ({ joined: {} }) }, "hs.test");
		await members.read(room);
		members.came(room, ghost);
		expect([members.has(room, ghost), members.of(room).get(ghost)]).toEqual([true, ""]);
	});
});
