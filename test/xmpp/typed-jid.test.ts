import { describe, expect, test } from "vitest";
import { typedAddress, typedHandle, typedJid } from "../../src/xmpp/typed-jid.ts";

describe("a typed or pasted JID", () => {
	test.each([
		"orchard@muc.example.org",
		"Orchard@MUC.example.org",
		"orchard@muc.example.org?join",
		"orchard@muc.example.org/Romeo",
		"xmpp:orchard@muc.example.org",
		"XMPP:orchard@muc.example.org?join",
		"xmpp:orchard@muc.example.org?join;password=secret",
		"xmpp:orchard%40muc.example.org?join",
		"xmpp://me@example.org/orchard@muc.example.org?join",
		"xmpp://orchard@muc.example.org",
		"<xmpp:orchard@muc.example.org?join>",
		"(orchard@muc.example.org).",
		"orchard@muc.example.org,",
		"“orchard@muc.example.org”",
		"[the orchard](xmpp:orchard@muc.example.org?join)",
		"orchard%40muc.example.org",
		"https://xmpp.link/#orchard@muc.example.org?join",
		"https://join.jabber.network/#orchard%40muc.example.org",
		"https://conversations.im/j/orchard@muc.example.org",
		"  orchard@muc.example.org\n",
	])("%j is orchard@muc.example.org", (typed) =>
		expect(typedJid(typed, "bridge.example.org")).toBe("orchard@muc.example.org"),
	);

	test.each([
		["alice%matrix.org@elsewhere.test", "alice%matrix.org@elsewhere.test"],
		["(tilde@x.test", "(tilde@x.test"],
	])("%j keeps the signs of its localpart", (typed, jid) => expect(typedAddress(typed)).toBe(jid));

	test.each([
		"orchard",
		"@alice:hs.test",
		"#lobby:hs.test",
		"home/+/temperature",
		"https://example.org/",
		"a b@c.test",
		"%E0%A4%A",
		"",
	])("%j is refused with an example", (typed) =>
		expect(() => typedJid(typed, "bridge.example.org")).toThrow(/is not an XMPP address/),
	);

	test.each([
		["garden@muc.test/Eve Smith", "garden@muc.test/Eve Smith"],
		["<xmpp:Garden@muc.test/Eve>", "garden@muc.test/Eve"],
		["garden@muc.test", "garden@muc.test"],
		["eve@x.test/phone", "eve@x.test"],
		["eve", undefined],
	])("%j has the handle %j: a nick in a MUC, and no client of an account", (typed, handle) =>
		expect(typedHandle(typed, (jid) => jid === "garden@muc.test")).toBe(handle),
	);

	test("an address of the bridge itself is refused as such", () => {
		expect(() => typedJid("xmpp:alice@bridge.example.org", "bridge.example.org")).toThrow(
			/of this bridge itself/,
		);
	});
});
