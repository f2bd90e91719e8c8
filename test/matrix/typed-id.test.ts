import { describe, expect, test } from "vitest";
import { typedId, withIds } from "../../src/matrix/typed-id.ts";

describe("a typed or pasted id", () => {
	test.each([
		"#lobby:hs.test",
		"<#lobby:hs.test>",
		"#lobby:hs.test.",
		"[Lobby](https://matrix.to/#/#lobby:hs.test)",
		"https://matrix.to/#/#lobby:hs.test",
		"https://matrix.to/#/%23lobby%3Ahs.test?via=hs.test",
		"https://matrix.to/#/%23lobby:hs.test/$event?via=hs.test",
		"https://app.element.io/#/room/#lobby:hs.test",
		"matrix:r/lobby:hs.test",
		"matrix:room/lobby:hs.test?action=join",
	])("%j is #lobby:hs.test", (typed) => expect(typedId(typed)).toBe("#lobby:hs.test"));

	test.each([
		["https://matrix.to/#/@alice:hs.test", "@alice:hs.test"],
		["https://matrix.to/#/%40a%2Fb%3Ahs.test", "@a/b:hs.test"],
		["https://app.element.io/#/user/@alice:hs.test", "@alice:hs.test"],
		["matrix:u/alice:hs.test", "@alice:hs.test"],
		["matrix:roomid/abc:hs.test/e/event?via=x", "!abc:hs.test"],
		["https://matrix.to/#/!abc:hs.test?via=hs.test", "!abc:hs.test"],
		["<@alice:hs.test>,", "@alice:hs.test"],
		["https://example.org/", "https://example.org/"],
		// A localpart of old may hold any sign, so that nothing is cut off it.
		["alice.", "alice."],
		["<alice>", "<alice>"],
	])("%j is %j", (typed, id) => expect(typedId(typed)).toBe(id));
});

describe("a command with a pill", () => {
	const pill = (href: string, name: string) => ({
		formatted_body: `!bridge chat <a class="x" href="${href}">${name}</a> now`,
	});
	test.each([
		["https://matrix.to/#/@_xmpp_romeo=40x.test:hs.test", "@_xmpp_romeo=40x.test:hs.test"],
		["https://matrix.to/#/%23lobby:hs.test?via=hs.test&amp;via=x", "#lobby:hs.test"],
		["matrix:u/alice:hs.test", "@alice:hs.test"],
	])("to %s names its id", (href, id) => {
		expect(withIds("!bridge chat Romeo & Juliet now", pill(href, "Romeo &amp; Juliet"))).toBe(
			`!bridge chat ${id} now`,
		);
		const link = `[Romeo](${href.replaceAll("&amp;", "&")})`;
		expect(withIds(`!bridge chat ${link} now`, pill(href, "Romeo"))).toBe(`!bridge chat ${id} now`);
	});

	test("is read like any other HTML: quoted either way, with markup and character references", () => {
		const html = "!bridge chat <a href='https://matrix.to/#/@romeo:hs.test'><b>Rom&eacute;o</b> &#x4D;.</a>";
		expect(withIds("!bridge chat Roméo M.", { formatted_body: html })).toBe("!bridge chat @romeo:hs.test");
	});

	test("keeps all other text, and links to the web", () => {
		const web = pill("https://example.org/#/x", "Romeo");
		expect(withIds("!bridge pub lamp on", web)).toBe("!bridge pub lamp on");
		expect(withIds("say Romeo", {})).toBe("say Romeo");
		expect(withIds("say Romeo", { formatted_body: `${"<a ".repeat(10_000)}#/` })).toBe("say Romeo");
	});
});
