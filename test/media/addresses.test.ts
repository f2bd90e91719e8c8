import fc from "fast-check";
import { expect, test } from "vitest";
import { isPublic } from "../../src/media/addresses.ts";

const v4 = (...octets: number[]) => octets.join(".");
const octet = fc.integer({ min: 0, max: 255 });

/** The ranges a stranger must not make us ask, told another way than the code does. */
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
			// 6to4, Teredo and the old compatible form hide an address: none is asked.
			expect(isPublic(`2002:${hex}::1`)).toBe(false);
			expect(isPublic(`2001:0:4136:e378:8000:63bf:${hex}`)).toBe(false);
			expect(isPublic(`::${hex}`)).toBe(false);
		}),
		{ numRuns: 2_000 },
	);
});

test("of IPv6 only global unicast is public", () => {
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

test("what is no address is not public", () => {
	for (const one of ["", "localhost", "1.2.3", "0x7f000001", "2130706433", "8.8.8.8 "])
		expect(isPublic(one), one).toBe(false);
});
