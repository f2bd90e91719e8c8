import * as phrases from "../../core/phrases.ts";
import { child } from "../xml.ts";
import { type MessageFeature, points } from "./message.ts";

const encryptions: readonly (readonly [string, string])[] = [
	["encrypted", "eu.siacs.conversations.axolotl"],
	["encrypted", "urn:xmpp:omemo:1"],
	["encrypted", "urn:xmpp:omemo:2"],
	["openpgp", "urn:xmpp:openpgp:0"],
	["x", "jabber:x:encrypted"],
	["encryption", "urn:xmpp:eme:0"],
];

/** XEP-0380 §3: the body beside a ciphertext is an advertisement for the encryption, not what was said. */
export const encryption: MessageFeature = {
	vars: [],
	read(stanza, heard) {
		if (!encryptions.some(([name, ns]) => child(stanza, name, ns))) return heard;
		const { style: _style, body: _body, mentions: _mentions, ...rest } = heard;
		return {
			aka: rest.aka,
			style: "notice",
			body: points(phrases.encrypted),
			mentions: [],
			unreadable: true,
		};
	},
};
