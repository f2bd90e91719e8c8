import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

/**
 * IPv4 ranges that are no public host's, of the IANA special-purpose registry and multicast. Two ranges of that registry
 * are reached like any other and are not here: AS112 (RFC 7534, 7535) and AMT (RFC 7450).
 */
const special4: readonly (readonly [address: string, bits: number])[] = [
	["0.0.0.0", 8],
	["10.0.0.0", 8],
	["100.64.0.0", 10],
	["127.0.0.0", 8],
	// Azure answers here with the virtual machine's own settings; other clouds do so at link-local addresses.
	["168.63.129.16", 32],
	["169.254.0.0", 16],
	["172.16.0.0", 12],
	["192.0.0.0", 24],
	["192.0.2.0", 24],
	["192.88.99.0", 24],
	["192.168.0.0", 16],
	["198.18.0.0", 15],
	["198.51.100.0", 24],
	["203.0.113.0", 24],
	["224.0.0.0", 3],
];
/** IPv6 addresses outside these ranges are not public. NAT64 (RFC 6052) is the way of IPv6-only machines to IPv4. */
const public6 = [
	["2000::", 3],
	["64:ff9b::", 96],
] as const;
/** Ranges within 2000::/3 without hosts or with hidden IPv4 addresses: protocol assignments and Teredo, documentation, 6to4. */
const special6 = [
	["2001::", 23],
	["2001:db8::", 32],
	["2002::", 16],
	["3fff::", 20],
] as const;

const denied = new BlockList();
const admitted6 = new BlockList();
for (const [address, bits] of special4) {
	denied.addSubnet(address, bits, "ipv4");
	denied.addSubnet(`64:ff9b::${address}`, 96 + bits, "ipv6");
}
for (const [address, bits] of special6) denied.addSubnet(address, bits, "ipv6");
for (const [address, bits] of public6) admitted6.addSubnet(address, bits, "ipv6");

/** IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) as the resolver spells it. */
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Returns true if an address, as the resolver spells it, belongs to a public host,
 * so not to a private network or a multicast group.
 */
export function isPublic(address: string): boolean {
	const plain = mapped.exec(address)?.[1] ?? address;
	switch (isIP(plain)) {
		case 4:
			return !denied.check(plain, "ipv4");
		case 6:
			// Only link-local addresses have a zone ("%eth0").
			return !plain.includes("%") && admitted6.check(plain, "ipv6") && !denied.check(plain, "ipv6");
		default:
			return false;
	}
}

/** Returns the present addresses of this machine's interfaces. */
export const interfaceAddresses = (): string[] =>
	Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));

/** Returns true if an address is one of `own` in any spelling: another IPv6 notation, IPv4-mapped, or by NAT64. */
export function isOneOf(own: readonly string[], address: string): boolean {
	const list = new BlockList();
	for (const one of own) {
		if (isIP(one) === 4) {
			// A BlockList compares IPv4-mapped addresses by itself.
			list.addAddress(one, "ipv4");
			list.addAddress(`64:ff9b::${one}`, "ipv6");
		} else if (isIP(one) === 6 && !one.includes("%")) list.addAddress(one, "ipv6");
	}
	const family = isIP(address);
	return family !== 0 && !address.includes("%") && list.check(address, family === 4 ? "ipv4" : "ipv6");
}
