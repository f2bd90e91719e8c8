import { expect, test } from "vitest";
import type { NetworkName, UserId } from "../../src/core/ids.ts";
import { createMembers } from "../../src/matrix/members.ts";
import { createPeopleSearch } from "../../src/matrix/people-search.ts";

const romeo = {
	...{ network: "xmpp" as NetworkName, id: "romeo@montague.lit" as UserId, address: ["romeo@montague.lit"] },
	...{ handles: [], domain: "montague.lit" },
};
const members = createMembers({ joinedMembers: async () => ({ joined: {} }) }, "hs.test");

async function search(results: unknown, words = "ali") {
	const asked: unknown[] = [];
	const find = createPeopleSearch({
		members,
		client: {
			async searchPeople(...given) {
				asked.push(given);
				return { results };
			},
		},
		ghosts: { account: async ({ id }) => `@_xmpp_${id}:hs.test` },
		isOurs: (mxid) => mxid.startsWith("@_") || mxid === "@trivium:hs.test",
	});
	return { found: await find(words, romeo), asked };
}

test("people are searched for as the ghost of the person who asks, and ghosts and the bot are not found", async () => {
	const { found, asked } = await search([
		{ user_id: "@alice:hs.test", display_name: "Alice", avatar_url: "mxc://hs.test/a" },
		{ user_id: "@bob:other.test", display_name: null },
		{ user_id: "@_xmpp_alice=40x.test:hs.test" },
		{ user_id: "@trivium:hs.test" },
	]);
	expect(asked).toEqual([["ali", 50, "@_xmpp_romeo@montague.lit:hs.test"]]);
	expect(found.map(({ id, name, local }) => [id, name, local])).toEqual([
		["@alice:hs.test", "Alice", true],
		["@bob:other.test", "bob", undefined],
	]);
});

test("an answer of any shape is read, within bounds", async () => {
	for (const odd of [undefined, "x", [null, 7, { user_id: 7 }, { user_id: `@${"x".repeat(300)}:a` }]])
		expect((await search(odd)).found).toEqual([]);
	const many = Array.from({ length: 80 }, (_, n) => ({ user_id: `@u${n}:hs.test` }));
	const { found, asked } = await search(many, "x".repeat(1_000));
	expect(found).toHaveLength(50);
	expect((asked as [string][])[0]?.[0]).toHaveLength(200);
});
