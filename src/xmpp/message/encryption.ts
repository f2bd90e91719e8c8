import * as phrases from "../phrases.ts";
import { child, type Element, text } from "../stream/xml.ts";
import { type MessageFeature, points } from "./feature.ts";

const encryptions: readonly (readonly [string, string])[] = [
	["encrypted", "eu.siacs.conversations.axolotl"],
	["encrypted", "urn:xmpp:omemo:1"],
	["encrypted", "urn:xmpp:omemo:2"],
	["openpgp", "urn:xmpp:openpgp:0"],
	["x", "jabber:x:encrypted"],
	["encryption", "urn:xmpp:eme:0"],
];

const isKeysOnly = (encrypted: Element) =>
	encrypted.getName() === "encrypted" &&
	encrypted.getChild("header") !== undefined &&
	encrypted.getChild("payload") === undefined;

/** XEP-0380 §3: the body beside a ciphertext only says that the message is encrypted, so our own notice replaces it. */
export const encryption: MessageFeature = {
	vars: [],
	read(stanza, parsed) {
		// XEP-0364 §3: OTR puts its ciphertext and its key exchange into the body.
		const otr = /^\?OTR(v?\d*\?|[:,|])/.test(text(stanza, "body") ?? "");
		const found = encryptions.map(([name, ns]) => child(stanza, name, ns)).filter((one) => one !== undefined);
		if (found.length === 0 && !otr) return parsed;
		// XEP-0384, "KeyTransportElement": clients exchange keys without a payload by themselves; no person wrote this.
		if (text(stanza, "body") === undefined && found.some(isKeysOnly)) return { ...parsed, nothing: true };
		const { style: _style, body: _body, mentions: _mentions, ...rest } = parsed;
		return {
			aka: rest.aka,
			style: "notice",
			body: points(phrases.encrypted),
			mentions: [],
			unreadable: true,
		};
	},
};
