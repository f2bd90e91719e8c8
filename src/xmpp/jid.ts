import { decode, encode } from "../core/codec.ts";
import type { NetworkName } from "../core/ids.ts";

/** A JID taken apart. Nothing is normalised: our own server has prepared it, byte-wise equality is what counts. */
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

export const bare = (jid: string): string => jid.split("/", 1)[0]!;
export const local = (jid: string): string | undefined => split(jid).local;
export const domain = (jid: string): string => split(jid).domain;
export const resource = (jid: string): string | undefined => split(jid).resource;

/**
 * Whether a JID that somebody typed may be the one a server made of it. Only for comparing: servers fold by different
 * algorithms, and this errs on the side of yes.
 */
export const same = (one: string, other: string): boolean => one === other || fold(one) === fold(other);
const fold = (jid: string) =>
	jid
		.normalize("NFKC")
		.replace(/\p{Default_Ignorable_Code_Point}/gu, "")
		// Upper first: ß becomes ss, ſ becomes s.
		.toUpperCase()
		.toLowerCase()
		.trim();

/**
 * Whether `jid` is one of ours, and one no server can find fault with: on a foreign or malformed `from`, were it but
 * empty before the at-sign, they close the stream of the whole component.
 */
export function mayBeFrom(jid: string, component: string): boolean {
	const { local, domain, resource } = split(jid);
	return (
		domain === component &&
		// RFC 7622 §3.3.1. What we spell is ASCII; anything beyond comes from an answer to a stranger's address, which
		// our own server has read as one before us.
		(local === undefined ||
			(Buffer.byteLength(local) <= 1023 &&
				/^(?:[!#-%(-.0-9;=?[-~]|[^\p{ASCII}\p{Cc}\p{Cs}\p{Z}])+$/u.test(local))) &&
		(resource === undefined || (resource !== "" && Buffer.byteLength(resource) <= 1023))
	);
}

/** Where our ghosts live: `plain` is the network whose people have no prefix, `prefixed` the others. */
export type Namespace = Readonly<{ component: string; plain: NetworkName; prefixed: readonly NetworkName[] }>;

/** The bare JID of the ghost of somebody with this `Person.address`. */
export function ghostJid(
	of: NetworkName,
	address: readonly string[],
	{ component, plain }: Namespace,
): string {
	const spelt = address.map(encode).join("%");
	return `${of === plain ? "" : `_${of}_`}${spelt}@${component}`;
}

/** Whom the ghost at this JID stands for; undefined where it is nobody's, or spelt otherwise than we would. */
export function personAt(
	jid: string,
	{ component, plain, prefixed }: Namespace,
): { network: NetworkName; address: readonly string[] } | undefined {
	const { local, domain } = split(jid);
	if (domain !== component || !local) return undefined;
	// People of other servers have a `%`: theirs is a name that merely looks like one of our prefixes.
	const network = prefixed.find((name) => local.startsWith(`_${name}_`) && !local.includes("%"));
	const address = (network ? [local.slice(network.length + 2)] : local.split("%")).map(decode);
	if (address.length > 2 || !address.every((part) => !!part)) return undefined;
	return { network: network ?? plain, address: address as string[] };
}
