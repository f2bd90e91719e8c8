import { expect, test } from "vitest";
import { parse } from "yaml";
import { ghostMxid, portalAlias } from "../../src/matrix/mxid.ts";
import { differences, readRegistration, writeRegistration } from "../../src/matrix/registration.ts";

const options = {
	url: "http://127.0.0.1:9993",
	domain: "hs.test",
	bot: "trivium",
	networks: ["xmpp", "mqtt"],
};
const written = () => parse(writeRegistration(options));

test("a new registration is read back and agrees with the config it was made for", () => {
	const registration = readRegistration(writeRegistration(options));
	expect(registration).toMatchObject({ url: options.url, sender_localpart: "trivium", rate_limited: false });
	expect(differences(registration, options)).toEqual([]);
});

test("its tokens are new each time, long, and fit a header", () => {
	const tokens = [1, 2, 3].flatMap(() => [written().as_token, written().hs_token]);
	expect(new Set(tokens).size).toBe(6);
	for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test("ephemeral events are asked for under both names", () => {
	expect(written()).toMatchObject({ receive_ephemeral: true, "de.sorunome.msc2409.push_ephemeral": true });
});

test("it claims our names, whole, and nobody else's", () => {
	const { users, aliases } = written().namespaces;
	const claims = (list: { regex: string; exclusive: boolean }[], name: string) =>
		list.some(({ regex, exclusive }) => exclusive && new RegExp(regex).test(name));
	expect(claims(users, ghostMxid("xmpp", ["verona@muc.x", "Röm/eo"], "hs.test"))).toBe(true);
	expect(claims(users, ghostMxid("mqtt", ["lamp"], "hs.test"))).toBe(true);
	expect(claims(aliases, portalAlias("xmpp", ["verona@muc.x"], "hs.test"))).toBe(true);
	for (const other of [
		"@alice:hs.test",
		"@_irc_a:hs.test",
		"@_xmpp_a:hsxtest",
		"@_xmpp_a:hs.test.evil",
		"@a@_xmpp_a:hs.test",
	])
		expect(claims(users, other), other).toBe(false);
});

test.each([
	["", /empty/],
	["{", /no YAML/],
	["id: x", /no as_token/],
	[writeRegistration(options).replace(/^as_token: .*/m, "as_token: <generate one>"), /example/],
	[writeRegistration(options).replace(/^hs_token: .*/m, "hs_token: CHANGE_ME"), /example/],
	[writeRegistration(options).replace(/^(.s_token): .*/gm, "$1: same-for-both"), /differ/],
	[writeRegistration(options).replace(/exclusive: true/, "exclusive: 1"), /namespaces/],
])("a registration that cannot work is refused with the cure (%#)", (text, why) => {
	expect(() => readRegistration(text)).toThrow(why);
	expect(() => readRegistration(text)).toThrow(/`register`/);
});

test("what differs from the config is named", () => {
	const registration = readRegistration(writeRegistration(options));
	const found = differences(registration, { ...options, url: "http://other", domain: "new.test", bot: "b" });
	expect(found).toHaveLength(6);
	expect(found[0]).toBe("url is http://127.0.0.1:9993 in the registration but http://other in the config");
	expect(found.join()).toContain("^@_mqtt_.*:new\\.test$");
});
