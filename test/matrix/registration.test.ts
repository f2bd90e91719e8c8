import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ghostMxid, portalAlias } from "../../src/matrix/mxid.ts";
import {
	differences,
	readRegistration,
	undeclared,
	writeRegistration,
} from "../../src/matrix/registration.ts";

const options = {
	url: "http://127.0.0.1:9993",
	domain: "hs.test",
	bot: "trivium",
	networks: ["xmpp", "mqtt"],
};
const written = () => parse(writeRegistration(options));

describe("a new registration", () => {
	test("is read back without a difference to its config", () => {
		const registration = readRegistration(writeRegistration(options));
		expect(registration).toMatchObject({
			url: options.url,
			sender_localpart: "trivium",
			rate_limited: false,
		});
		expect(differences(registration, options)).toEqual([]);
	});

	test("has new, long tokens each time, which fit a header", () => {
		const tokens = [1, 2, 3].flatMap(() => [written().as_token, written().hs_token]);
		expect(new Set(tokens).size).toBe(6);
		for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
	});

	test("asks for ephemeral events under both names", () => {
		expect(written()).toMatchObject({ receive_ephemeral: true, "de.sorunome.msc2409.push_ephemeral": true });
	});

	test("claims whole names of our namespace, and no other", () => {
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
		expect(() => readRegistration(text)).toThrow(/“register”/);
	});

	test.each([true, undefined])("differences names a rate limit: rate_limited is %s", (rate_limited) => {
		const { rate_limited: _, ...registration } = readRegistration(writeRegistration(options));
		const changed = { ...registration, ...(rate_limited && { rate_limited }) };
		expect(differences(changed, options)).toEqual([expect.stringMatching(/rate_limited .* not false/)]);
	});

	test("names the networks that an older registration does not declare, which is no difference", () => {
		const { protocols: _, ...old } = readRegistration(writeRegistration(options));
		const read = readRegistration(JSON.stringify(old));
		expect(undeclared(read, options.networks)).toEqual(options.networks);
		expect(differences(read, options)).toEqual([]);
		expect(undeclared({ ...read, protocols: [...options.networks] }, options.networks)).toEqual([]);
	});

	test("differences names each difference to the config", () => {
		const registration = readRegistration(writeRegistration(options));
		const found = differences(registration, {
			...options,
			url: "http://other",
			domain: "new.test",
			bot: "b",
		});
		expect(found).toHaveLength(6);
		expect(found[0]).toBe("url is http://127.0.0.1:9993 in the registration but http://other in the config");
		expect(found.join()).toContain("^@_mqtt_.*:new\\.test$");
	});
});
