import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
	aliasAddress,
	directAlias,
	ghostAddress,
	ghostMxid,
	isGhost,
	personAddress,
	personMxid,
	portalAlias,
} from "../../src/matrix/mxid.ts";

const hs = "hs.test";
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });

describe("ghostMxid and ghostAddress", () => {
	test("spell the MXIDs of an XMPP account, an occupant and a device", () => {
		expect(ghostMxid("xmpp", ["romeo@montague.lit"], hs)).toBe("@_xmpp_romeo=40montague.lit:hs.test");
		expect(ghostMxid("xmpp", ["verona@muc.x", "Romeo"], hs)).toBe("@_xmpp_verona=40muc.x/=52omeo:hs.test");
		expect(ghostMxid("mqtt", ["home/Lamp"], hs)).toBe("@_mqtt_home=2f=4camp:hs.test");
	});
	test("return the address of a ghost, or undefined for a hashed one", () => {
		const address = fc.array(text, { minLength: 1, maxLength: 2 });
		fc.assert(
			fc.property(fc.constantFrom("xmpp", "mqtt"), address, (network, address) => {
				const mxid = ghostMxid(network, address, hs);
				expect(Buffer.byteLength(mxid)).toBeLessThanOrEqual(255);
				expect(isGhost(mxid, ["xmpp", "mqtt"], hs)).toBe(true);
				const back = ghostAddress(mxid, hs);
				if (back) expect(back).toEqual({ network, address });
				else expect(mxid).toMatch(/^@_\w+_\/[0-9a-f]{64}:/);
			}),
		);
	});
	test("spell two addresses as two MXIDs", () => {
		const address = fc.array(text, { minLength: 1, maxLength: 2 });
		fc.assert(
			fc.property(address, address, (one, other) => {
				fc.pre(JSON.stringify(one) !== JSON.stringify(other));
				expect(ghostMxid("xmpp", one, hs)).not.toBe(ghostMxid("xmpp", other, hs));
			}),
		);
	});
	test("hash an address that is too long, two addresses to two hashes", () => {
		const long = (end: string) => ghostMxid("xmpp", [`${"ü".repeat(300)}@${end}`], hs);
		expect(long("a")).toMatch(/^@_xmpp_\/[0-9a-f]{64}:hs\.test$/);
		expect(long("a")).not.toBe(long("b"));
		expect(ghostAddress(long("a"), hs)).toBeUndefined();
	});
	test("spell the next holder of a nick as another MXID, which has no address", () => {
		const second = ghostMxid("xmpp", ["verona@muc.x", "romeo"], hs, 2);
		expect(second).toBe("@_xmpp_verona=40muc.x/romeo/2:hs.test");
		expect(ghostAddress(second, hs)).toBeUndefined();
	});
	test.each([
		"@alice:hs.test",
		"@_xmpp_a:other.test",
		"@_xmpp_:hs.test",
		"@_xmpp_A:hs.test",
		"#_xmpp_a:hs.test",
		"@_xmpp_a",
	])("%s is no ghost's address", (mxid) => expect(ghostAddress(mxid, hs)).toBeUndefined());
	test("isGhost is false for another bridge's ghosts", () => {
		expect(isGhost("@_irc_a:hs.test", ["xmpp", "mqtt"], hs)).toBe(false);
		expect(isGhost("@_xmpp_a:other.test", ["xmpp"], hs)).toBe(false);
	});
});

describe("portalAlias and aliasAddress", () => {
	test("spell a MUC's alias and read it back, also as a person would type it", () => {
		expect(portalAlias("xmpp", ["verona@muc.x"], hs)).toBe("#_xmpp_verona=40muc.x:hs.test");
		const verona = { network: "xmpp", address: ["verona@muc.x"] };
		expect(aliasAddress("#_xmpp_verona=40muc.x:hs.test", hs)).toEqual(verona);
		expect(aliasAddress("#_xmpp_verona@muc.x:hs.test", hs)).toEqual(verona);
	});
	test.each([
		"#lobby:hs.test",
		"#_xmpp_:hs.test",
		"#_xmpp_a@b@c:hs.test",
		"#_xmpp_=4A:hs.test",
		"#_xmpp_a@b/c:hs.test",
		"#_xmpp_a@b:other",
	])("%s asks for nothing", (alias) => expect(aliasAddress(alias, hs)).toBeUndefined());
	test("directAlias returns the same alias again, which names no address", () => {
		const alias = directAlias("xmpp", ["@alice:hs.test", "romeo@montague.lit"], hs);
		expect(alias).toBe(directAlias("xmpp", ["@alice:hs.test", "romeo@montague.lit"], hs));
		expect(aliasAddress(alias, hs)).toBeUndefined();
	});
});

describe("personAddress and personMxid", () => {
	test("leave out our own server, and name any other", () => {
		expect(personAddress("@alice:hs.test", hs)).toEqual(["alice"]);
		expect(personAddress("@alice:matrix.org:8448", hs)).toEqual(["alice", "matrix.org:8448"]);
		expect(personMxid(["alice"], hs)).toBe("@alice:hs.test");
		expect(personMxid(["alice", "matrix.org"], hs)).toBe("@alice:matrix.org");
		expect(personMxid(["@alice:matrix.org"], hs)).toBe("@alice:matrix.org");
		expect(personMxid(["alice", "[::1]:8448"], hs)).toBe("@alice:[::1]:8448");
	});
	test.each([[[""]], [["a b"]], [["a", "b/c"]], [["a", "b", "c"]], [["a:b"]], [["ü"]], [["a".repeat(250)]]])(
		"%j is no person",
		(address) => expect(personMxid(address, hs)).toBeUndefined(),
	);
});
