import { createHash } from "node:crypto";
import { decode, encode } from "../core/codec.ts";
import type { NetworkName } from "../core/ids.ts";

/** The name of this network for core, and for people. */
export const matrixNetwork = "matrix" as NetworkName;
export const matrixTitle = "Matrix";

/** A ghost's MXID or a portal's alias, taken apart: the network and the address there. */
export type Address = Readonly<{ network: string; address: readonly string[] }>;

/** The longest MXID or alias, in bytes. // Matrix spec, appendix "Identifier grammar" */
const LONGEST = 255;

/**
 * Returns `@` or `#`, our namespace and the parts. A name that would be too long is hashed behind an empty first part,
 * since the first part of an address is never empty.
 */
function spell(sigil: "@" | "#", network: string, parts: readonly string[], domain: string): string {
	const full = `${sigil}_${network}_${parts.map(encode).join("/")}:${domain}`;
	if (Buffer.byteLength(full) <= LONGEST) return full;
	return hashed(sigil, network, parts, domain);
}

function hashed(sigil: "@" | "#", network: string, parts: readonly string[], domain: string): string {
	const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
	return `${sigil}_${network}_/${hash}:${domain}`;
}

function take(sigil: "@" | "#", id: string, domain: string): [network: string, rest: string] | undefined {
	const end = id.indexOf(":");
	if (end < 0 || id.slice(end + 1) !== domain) return undefined;
	const match = /^_([a-z0-9]+)_(.+)$/s.exec(id.slice(1, end));
	return id[0] === sigil && match ? [match[1]!, match[2]!] : undefined;
}

/**
 * Returns the MXID of the ghost of `address`. `holder` counts the people who successively held one address, such as a
 * nick in a MUC; from the second holder on, the count is the third part.
 */
export function ghostMxid(network: string, address: readonly string[], domain: string, holder = 1): string {
	return spell("@", network, holder > 1 ? [...address, String(holder)] : address, domain);
}

/**
 * Returns the address that a ghost's MXID spells; undefined for people, and for later holders and hashed names, which
 * only the mapping can resolve.
 */
export function ghostAddress(mxid: string, domain: string): Address | undefined {
	const [network, rest] = take("@", mxid, domain) ?? [];
	if (network === undefined || rest === undefined) return undefined;
	const address = rest.split("/").map(decode);
	if (address.length > 2 || !address.every((part) => part !== undefined && part !== "")) return undefined;
	return { network, address: address as string[] };
}

/** Returns the alias of the portal of the room at `address`. */
export function portalAlias(network: string, address: readonly string[], domain: string): string {
	return spell("#", network, address, domain);
}

/** Returns the alias that makes creating a direct chat idempotent; being a hash, it answers no query for an address. */
export function directAlias(network: string, two: readonly [string, string], domain: string): string {
	return hashed("#", network, two, domain);
}

/**
 * Returns the first alias of a room that a person of `network` makes at an alias outside our namespaces; being a hash, it
 * answers no query for an address.
 */
export function newRoomAlias(network: string, localpart: string, domain: string): string {
	return hashed("#", network, ["new", localpart], domain);
}

/** Returns the address in an alias of our namespace, which spells it as we do or as a person would type it. */
export function aliasAddress(alias: string, domain: string): Address | undefined {
	const [network, rest] = take("#", alias, domain) ?? [];
	if (network === undefined || rest === undefined) return undefined;
	const address = rest.split("/").map(decode);
	if (address.every((part) => part !== undefined && part !== ""))
		return { network, address: address as string[] };
	return /^[^\s=/@]+@[^\s=/@]+$/.test(rest) ? { network, address: [rest] } : undefined;
}

/** Whether an MXID is in the namespace of one of `networks`, be the ghost registered or not. */
export function isGhost(mxid: string, networks: readonly string[], domain: string): boolean {
	const [network] = take("@", mxid, domain) ?? [];
	return network !== undefined && networks.includes(network);
}

/**
 * Returns the matrix.to link of an MXID, an alias or a room id, escaped as little as possible: clients compare the text.
 * A room id names no server that knows the room, so the link of one names `via` as well.
 * // Matrix spec, appendix "matrix.to navigation"
 */
export function matrixTo(id: string, via?: string): string {
	const server = id.startsWith("!") && via ? `?via=${via}` : "";
	return `https://matrix.to/#/${encodeURI(id).replace(/[?#/]/g, encodeURIComponent)}${server}`;
}

/** Returns the localpart and the server of an MXID, undefined for anything else; the server may have a port. */
export function parts(mxid: string): readonly [localpart: string, server: string] | undefined {
	const end = mxid.indexOf(":");
	return mxid[0] === "@" && end > 1 && end < mxid.length - 1
		? [mxid.slice(1, end), mxid.slice(end + 1)]
		: undefined;
}

/** Returns a person's MXID as address parts for other networks; the server name is left out for our own homeserver. */
export function personAddress(mxid: string, domain: string): readonly string[] | undefined {
	const [localpart, server] = parts(mxid) ?? [];
	if (localpart === undefined || server === undefined) return undefined;
	return server === domain ? [localpart] : [localpart, server];
}

/** Returns the MXID at an address: the parts of {@link personAddress}, or one text that a person typed. */
export function personMxid(address: readonly string[], domain: string): string | undefined {
	const [first, server] = address;
	if (!first || address.length > 2) return undefined;
	const mxid = server === undefined && parts(first) ? first : `@${first}:${server ?? domain}`;
	// A historical localpart may hold any printable ASCII character but the colon. // Matrix spec, "Historical User IDs"
	const valid =
		/^@[\x21-\x39\x3b-\x7e]+:[A-Za-z0-9.-]+(:\d{1,5})?$|^@[\x21-\x39\x3b-\x7e]+:\[[0-9a-fA-F:.]+\](:\d{1,5})?$/;
	return valid.test(mxid) && Buffer.byteLength(mxid) <= LONGEST ? mxid : undefined;
}
