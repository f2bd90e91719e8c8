import { decode, encode } from "../core/codec.ts";
import type { NetworkName } from "../core/ids.ts";

/** The parts of a JID. They are not normalised: see {@link prepared}. JIDs compare by bytes. */
export type Jid = Readonly<{ local?: string; domain: string; resource?: string }>;

// RFC 7622 §3.1: the first slash ends the bare JID, then the first at-sign ends the localpart.
export function split(jid: string): Jid {
	const slash = jid.indexOf("/");
	const front = slash < 0 ? jid : jid.slice(0, slash);
	const at = front.indexOf("@");
	return {
		...(at < 0 ? {} : { local: front.slice(0, at) }),
		domain: front.slice(at + 1),
		...(slash < 0 ? {} : { resource: jid.slice(slash + 1) }),
	};
}

/**
 * Bytes of the longest part, and of the longest bare JID (RFC 7622 §3). Servers check the `from` of a stanza, and no JID
 * inside the stanza.
 */
export const longestPart = 1023;
export const longestBare = 2 * longestPart + 1;

export const join = ({ local, domain, resource }: Jid): string =>
	`${local === undefined ? "" : `${local}@`}${domain}${resource === undefined ? "" : `/${resource}`}`;

/**
 * Returns a JID of ours that somebody has written, in the case in which JIDs compare (RFC 7622 §3.2 and §3.3). Prosody passes
 * it on so, and ejabberd as it was typed.
 */
export function prepared(jid: string): string {
	const end = jid.indexOf("/");
	return end < 0 ? jid.toLowerCase() : jid.slice(0, end).toLowerCase() + jid.slice(end);
}

export const bare = (jid: string): string => jid.split("/", 1)[0]!;
export const local = (jid: string): string | undefined => split(jid).local;
export const domain = (jid: string): string => split(jid).domain;
export const resource = (jid: string): string | undefined => split(jid).resource;

/**
 * Returns a JID as it stands in a URI (RFC 5122 §2.2). Only characters that would end the path are escaped, because some
 * clients compare the URI as text.
 */
export const inUri = (jid: string): string => jid.replace(/[%?#\s"<>\\^`{|}]/g, encodeURIComponent);

/**
 * True if a server may have normalised one JID to the other. Servers fold JIDs by different algorithms; this function
 * folds more than any of them, so it may return true for two different JIDs.
 */
export const same = (one: string, other: string): boolean => one === other || fold(one) === fold(other);
const fold = (jid: string) =>
	jid
		.normalize("NFKC")
		.replace(/\p{Default_Ignorable_Code_Point}/gu, "")
		// Upper case first, so that ß becomes ss and ſ becomes s.
		.toUpperCase()
		.toLowerCase()
		.trim();

/**
 * True if `jid` is a well-formed JID of the component. Servers close the stream of the whole component at a foreign or
 * malformed `from`, for example one with an empty localpart.
 */
export function mayBeFrom(jid: string, component: string): boolean {
	const { local, domain, resource } = split(jid);
	return (
		domain === component &&
		// RFC 7622 §3.3.1. Localparts that the bridge makes are ASCII. Others occur in answers to a JID that a stranger
		// wrote to, which our server has accepted already.
		(local === undefined ||
			(Buffer.byteLength(local) <= 1023 &&
				/^(?:[!#-%(-.0-9;=?[-~]|[^\p{ASCII}\p{Cc}\p{Cs}\p{Z}])+$/u.test(local))) &&
		(resource === undefined || (resource !== "" && Buffer.byteLength(resource) <= 1023))
	);
}

/**
 * The spelling of ghosts' JIDs: those of the network `plain` have no prefix, those of the networks `prefixed` have one.
 */
export type Namespace = Readonly<{ component: string; plain: NetworkName; prefixed: readonly NetworkName[] }>;

/** Returns the bare JID of the ghost of the person with this `Person.address`. */
export function ghostJid(
	of: NetworkName,
	address: readonly string[],
	{ component, plain }: Namespace,
): string {
	const spelt = address.map(encode).join("%");
	return `${of === plain ? "" : `_${of}_`}${spelt}@${component}`;
}

/** Returns the person of the ghost with this JID; undefined if the JID cannot be a ghost's. */
export function personAt(
	jid: string,
	{ component, plain, prefixed }: Namespace,
): { network: NetworkName; address: readonly string[] } | undefined {
	const { local, domain } = split(jid);
	if (domain !== component || !local) return undefined;
	// A `%` separates localpart and server, so a localpart with one may begin like a prefix without having one.
	const network = prefixed.find((name) => local.startsWith(`_${name}_`) && !local.includes("%"));
	const address = (network ? [local.slice(network.length + 2)] : local.split("%")).map(decode);
	if (address.length > 2 || !address.every((part) => !!part)) return undefined;
	return { network: network ?? plain, address: address as string[] };
}
