import { BlockList, isIP } from "node:net";

/** IPv4 that is not somebody's public host. // RFC 6890, RFC 6598, RFC 1112 and the IANA special-purpose registry */
const special4: readonly (readonly [address: string, bits: number])[] = [
	["0.0.0.0", 8],
	["10.0.0.0", 8],
	["100.64.0.0", 10],
	["127.0.0.0", 8],
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
/** IPv6 outside of these is not public. NAT64 (RFC 6052) is how IPv6-only machines reach IPv4. */
const public6 = [
	["2000::", 3],
	["64:ff9b::", 96],
] as const;
/** Protocol assignments and Teredo, documentation twice, 6to4: within 2000::/3, yet nobody's host or another address in disguise. */
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

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Whether an address, as the resolver spells it, is a public host's: neither ours, nor our network's, nor a group's. */
export function isPublic(address: string): boolean {
	const plain = mapped.exec(address)?.[1] ?? address;
	switch (isIP(plain)) {
		case 4:
			return !denied.check(plain, "ipv4");
		case 6:
			// A zone ("%eth0") is only there for link-local addresses.
			return !plain.includes("%") && admitted6.check(plain, "ipv6") && !denied.check(plain, "ipv6");
		default:
			return false;
	}
}
