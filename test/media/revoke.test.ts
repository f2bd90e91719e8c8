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
	bridge: () => ({ findPerson: (_network, address) => earth.findPerson(address) }),
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
		expect(await command.run(call, args)).toMatch(/^Done/);
		expect(revoked).toEqual([what]);
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
