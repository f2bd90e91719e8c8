import { expect, test } from "vitest";
import { decoded, unwrapped } from "../../src/core/pasted.ts";

test.each([
	["romeo@x.test", "romeo@x.test"],
	[" <romeo@x.test>, ", "romeo@x.test"],
	["(romeo@x.test).", "romeo@x.test"],
	["“romeo@x.test”!", "romeo@x.test"],
	["[Romeo](xmpp:romeo@x.test)", "xmpp:romeo@x.test"],
	["[The [old] garden](<xmpp:garden@muc.test?join>);", "xmpp:garden@muc.test?join"],
	// These signs may be a part of the address.
	["(romeo@x.test", "(romeo@x.test"],
	["'n@x.test", "'n@x.test"],
	["[::1]:8448", "[::1]:8448"],
	["", ""],
	["...", ""],
	["<>", "<>"],
])("%j is unwrapped to %j", (typed, address) => expect(unwrapped(typed)).toBe(address));

test("a text that is not well encoded stays as it is", () => {
	expect(decoded("a%40b")).toBe("a@b");
	expect(decoded("100%")).toBe("100%");
});
