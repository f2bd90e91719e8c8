import { beforeEach, describe, expect, test } from "vitest";
import type { CommandCall } from "../../src/core/command.ts";
import { PermanentError } from "../../src/core/errors.ts";
import type { RoomId } from "../../src/core/ids.ts";
import type { Revoked } from "../../src/media/links.ts";
import { revoke } from "../../src/media/revoke.ts";
import { fakeNetwork } from "../fakes.ts";

const earth = fakeNetwork("earth");
const call = { network: earth.name, room: "plaza" as RoomId } as CommandCall;
let revoked: Revoked[];
const command = revoke({
	links: { revoke: async (what) => void revoked.push(what) },
	bridge: () => ({
		findPerson: (_network, address) => earth.findPerson(address),
		hasMessage: async (_network, room, id) => room === "plaza" && id === "$event",
		acquaintance: async (_network, typed) => ({
			known: typed === "ann",
			near: typed === "ann" ? [] : [earth.person("bob")],
		}),
	}),
});
beforeEach(() => {
	revoked = [];
});

describe("the command revoke", () => {
	const hash = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
	test.each([
		["link https://bridge.test/media/token/cat.png", { url: "https://bridge.test/media/token/cat.png" }],
		["message $event", { event: { network: "earth", room: "plaza", id: "$event" } }],
		[`file ${hash}`, { hash }],
	])("revokes by “%s”", async (args, what) => {
		expect(await command.run(call, args)).toMatch(/^Done: links to .* lead nowhere from now on\./);
		expect(revoked).toEqual([what]);
	});

	test("tells which links it ended, and doubts a person whom the bridge has never met", async () => {
		expect(await command.run(call, "person ann")).toBe(
			"Done: links to all files of ann (ann@earth) lead nowhere from now on. Copies that people already have stay with them.",
		);
		expect(await command.run(call, "person bop")).toMatch(
			/of bop .* not met this person .* right\? Did you mean bob \(bob@earth\)\?$/,
		);
	});

	test.each([
		["message $nosuch", "there is no message $nosuch in this room, so no link was ended."],
		["person nobody", "nobody has the address nobody, so no link was ended. Did you mean bob (bob@earth)?"],
	])("that finds nothing for “%s” says so, and ends no link", async (args, why) => {
		await expect(command.run(call, args)).rejects.toThrow(why);
		expect(revoked).toEqual([]);
	});

	test("revokes all links of a person", async () => {
		await command.run(call, "person ann");
		expect(revoked).toMatchObject([{ person: { network: "earth", id: "ann@earth" } }]);
	});

	test.each(["", "link", "person", "file cat.png", "everything", "person nobody"])(
		"answers “%s” with a refusal",
		async (args) => {
			await expect(command.run(call, args)).rejects.toThrow(PermanentError);
			expect(revoked).toEqual([]);
		},
	);

	test("is for admins only", () => {
		expect(command.level).toBe("admin");
	});
});
