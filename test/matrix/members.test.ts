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

describe("the members of Matrix rooms", () => {
	/** A homeserver whose rooms have `count` members with names of 1,000 characters. */
	const crowd = (count: number, domain = "evil.test") => ({
		joinedMembers: async (of: string) => ({
			joined: Object.fromEntries(
				Array.from({ length: count }, (_, n) => [
					`@${of.slice(1)}.${n}:${domain}`,
					{ display_name: `${n}`.padEnd(1_000, "x") },
				]),
			),
		}),
	});
	const mebibyte = 1_048_576;

	test("take 16 MiB of memory in a room of 300,000", async () => {
		const members = createMembers(crowd(300_000), "hs.test");
		await members.read(room);
		expect(members.bytes()).toBeLessThanOrEqual(16 * mebibyte);
		expect(members.of(room).size).toBeGreaterThan(10_000);
		expect(members.person("@r.299999:evil.test", members.of(room).get("@r.299999:evil.test")).name).toBe(
			"r.299999",
		);
	});

	test("take no more when they join one by one, and rename themselves to longer names", async () => {
		const most = { room: 20_000, all: 40_000 };
		const members = createMembers(crowd(0), "hs.test", most);
		await members.read(room);
		for (let n = 0; n < 300; n++)
			for (const displayname of ["x", "x".repeat(200)]) {
				const content = { membership: "join", displayname };
				members.apply({ ...joins, state_key: `@${n}:evil.test`, content } as MatrixEvent);
			}
		expect(members.bytes()).toBeLessThanOrEqual(20_000);
		expect(members.of(room).size).toBeGreaterThan(30);
	});

	test("take no more than their sum in many rooms, and nothing once the rooms are forgotten or everybody left", async () => {
		const most = { room: 20_000, all: 40_000 };
		const members = createMembers(crowd(1_000), "hs.test", most);
		const rooms = Array.from({ length: 10 }, (_, n) => `!${n}`);
		for (const one of rooms) await members.read(one);
		expect(members.bytes()).toBeLessThanOrEqual(40_000);
		await members.read("!0");
		expect(members.of("!0").size).toBeGreaterThan(10);
		for (const mxid of [...members.of("!0").keys()]) members.went("!0", mxid);
		for (const one of rooms.slice(1)) members.forget(one);
		expect(members.bytes()).toBe(0);
	});
});

describe("the picture of a member", () => {
	const url = "mxc://hs.test/abc";
	const alice = "@alice:hs.test";
	const changes = (avatar_url: unknown) =>
		({
			...joins,
			state_key: alice,
			content: { membership: "join", displayname: "Alice", avatar_url },
		}) as unknown as MatrixEvent;

	test("is the one in the room, until an event changes it", async () => {
		const joined = { [alice]: { display_name: "Alice", avatar_url: url } };
		const members = createMembers({ joinedMembers: async () => ({ joined }) }, "hs.test");
		expect(members.inRoom(room, alice).avatar).toBeUndefined();
		await members.read(room);
		expect(members.inRoom(room, alice).avatar).toEqual({ network: "matrix", ref: `${url} face` });
		members.apply(changes("mxc://hs.test/other"));
		expect(members.inRoom(room, alice).avatar?.ref).toBe("mxc://hs.test/other face");
		for (const none of [undefined, "", 7, "https://evil.test/a.png", `mxc://${"x".repeat(300)}/a`]) {
			members.apply(changes(none));
			expect(members.inRoom(room, alice)).toMatchObject({ name: "Alice", avatar: null });
		}
		members.apply(changes(url));
		members.went(room, alice);
		expect(members.bytes()).toBe(0);
	});
});
