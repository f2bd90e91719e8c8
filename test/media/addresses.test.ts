import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interfaceAddresses, isOneOf, isPublic } from "../../src/media/addresses.ts";

const v4 = (...octets: number[]) => octets.join(".");
const octet = fc.integer({ min: 0, max: 255 });

/** The ranges that are not public, written in another form than in the code. */
function isSpecial([a = 0, b = 0, c = 0]: readonly number[]): boolean {
	return (
		[0, 10, 127].includes(a) ||
		a >= 224 ||
		(a === 100 && b >= 64 && b < 128) ||
		(a === 169 && b === 254) ||
		(a === 172 && b >= 16 && b < 32) ||
		(a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99))) ||
		(a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
		(a === 203 && b === 0 && c === 113)
	);
}
const near = fc
	.tuple(fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 255), octet, octet, octet)
	.chain((octets) => fc.constantFrom(octets));
const address = fc.oneof(fc.tuple(octet, octet, octet, octet), near);

test("every IPv4 address is public or special, and the same in each IPv6 spelling of it", () => {
	fc.assert(
		fc.property(address, (octets) => {
			const special = isSpecial(octets);
			const [a, b, c, d] = octets;
			const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
			expect(isPublic(v4(...octets))).toBe(!special);
			expect(isPublic(`::ffff:${v4(...octets)}`)).toBe(!special);
			expect(isPublic(`64:ff9b::${hex}`)).toBe(!special);
			expect(isPublic(`::FFFF:${hex}`)).toBe(false);
			// 6to4, Teredo and IPv4-compatible addresses hide an IPv4 address, so none of them is public.
			expect(isPublic(`2002:${hex}::1`)).toBe(false);
			expect(isPublic(`2001:0:4136:e378:8000:63bf:${hex}`)).toBe(false);
			expect(isPublic(`::${hex}`)).toBe(false);
		}),
		{ numRuns: 2_000 },
	);
});

test("only global unicast IPv6 addresses are public", () => {
	const group = fc.integer({ min: 0, max: 0xffff });
	fc.assert(
		fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
			const first = groups[0] as number;
			const global = first >= 0x2000 && first < 0x4000;
			const text = groups.map((one) => one.toString(16)).join(":");
			if (!global) expect(isPublic(text)).toBe(false);
		}),
		{ numRuns: 2_000 },
	);
	for (const one of ["2606:4700::1111", "2a00:1450:4001:81b::200e"]) expect(isPublic(one)).toBe(true);
	for (const one of ["::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1", "3fff::1"])
		expect(isPublic(one), one).toBe(false);
});

test("a text that is no address is not public", () => {
	for (const one of ["", "localhost", "1.2.3", "0x7f000001", "2130706433", "8.8.8.8 "])
		expect(isPublic(one), one).toBe(false);
});

describe("the IANA special-purpose registries", () => {
	test.each([
		["this host on this network", "0.0.0.0", "0.255.255.255"],
		["private use", "10.0.0.0", "10.255.255.255"],
		["shared address space", "100.64.0.0", "100.127.255.255"],
		["loopback", "127.0.0.0", "127.255.255.255"],
		["link-local, where clouds keep their settings", "169.254.0.0", "169.254.169.254"],
		["private use", "172.16.0.0", "172.31.255.255"],
		["IETF protocol assignments", "192.0.0.0", "192.0.0.255"],
		["documentation", "192.0.2.0", "192.0.2.255"],
		["6to4 relay", "192.88.99.0", "192.88.99.255"],
		["private use", "192.168.0.0", "192.168.255.255"],
		["benchmarks", "198.18.0.0", "198.19.255.255"],
		["documentation", "198.51.100.0", "203.0.113.255"],
		["multicast", "224.0.0.0", "239.255.255.255"],
		["reserved, and broadcast", "240.0.0.0", "255.255.255.255"],
		["the settings of a virtual machine at Azure", "168.63.129.16", "::ffff:168.63.129.16"],
		["unspecified, and loopback", "::", "::1"],
		["IPv4-compatible", "::7f00:1", "::808:808"],
		["IPv4-mapped, spelled as IPv6", "::ffff:7f00:1", "0:0:0:0:0:ffff:7f00:1"],
		["IPv4-translated", "::ffff:0:7f00:1", "::ffff:0:808:808"],
		["NAT64 to a private address", "64:ff9b::a00:1", "64:ff9b::7f00:1"],
		["NAT64 of one's own network", "64:ff9b:1::1", "64:ff9b:1:ffff::808:808"],
		["discard-only, dummy", "100::1", "100:0:0:1::1"],
		["Teredo, ORCHID, and other assignments", "2001::1", "2001:1ff:ffff::1"],
		["documentation", "2001:db8::1", "3fff:fff::1"],
		["6to4", "2002:7f00:1::1", "2002:808:808::1"],
		["segment routing", "5f00::1", "5f00:ffff::1"],
		["unique local", "fc00::1", "fdff:ffff::1"],
		["link-local, and the old site-local", "fe80::1", "fec0::1"],
		["multicast", "ff00::1", "ff0e::1"],
	])("%s (%s … %s) is not public", (_range, ...addresses) => {
		for (const address of addresses) expect(isPublic(address), address).toBe(false);
	});

	test.each(["1.0.0.0", "9.255.255.255", "100.63.255.255", "100.128.0.0", "172.32.0.0", "223.255.255.255"])(
		"%s, beside a range, is public",
		(address) => expect(isPublic(address)).toBe(true),
	);
});

describe("an address of this machine", () => {
	const own = ["127.0.0.1", "8.8.4.4", "fe80::1%eth0", "2606:4700::1"];
	test.each([
		"8.8.4.4",
		"::ffff:8.8.4.4",
		"::ffff:808:404",
		"64:ff9b::808:404",
		"2606:4700::1",
		"2606:4700:0:0::0001",
		"2606:4700::0.0.0.1",
	])("is recognised as %s", (address) => expect(isOneOf(own, address)).toBe(true));
	test.each(["8.8.4.5", "2606:4700::2", "64:ff9b::808:405", "", "fe80::1%eth0"])("is not %s", (address) =>
		expect(isOneOf(own, address)).toBe(false),
	);
	test("comes from the interfaces", () => expect(interfaceAddresses()).toContain("127.0.0.1"));
});
