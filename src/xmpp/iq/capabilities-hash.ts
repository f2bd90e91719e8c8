import { hash } from "node:crypto";
import type { Element } from "../stream/xml.ts";

/**
 * Returns the verification string for the answer to a disco#info query without forms: a hash that is the same for all
 * answers of the same identities and features. Pure.
 *
 * // XEP-0115 §5.1
 */
export function verification(info: Element): string {
	const identities = info
		.getChildren("identity")
		.map(({ attrs: { category, type, name = "" } }) => `${category}/${type}//${name}`);
	const features = info.getChildren("feature").map(({ attrs }) => attrs.var ?? "");
	const parts = [...byOctet(identities), ...byOctet(features)].map((part) => `${part}<`);
	return hash("sha1", parts.join(""), "base64");
}

// XEP-0115 §5.1: the collation is i;octet.
const byOctet = (texts: readonly string[]) =>
	texts.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
