import { avatarData, avatarMetadata, metadataOf } from "../photo.ts";
import type { Picture } from "../pictures.ts";
import { StanzaError } from "../stanza-error.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import { type Ghost, pictureOf, type Query } from "./query.ts";
import { vcard4Of } from "./vcard4.ts";

const ns = "http://jabber.org/protocol/pubsub";

type Item = Readonly<{ id: string; content: Element }>;

/** The nodes that an account of ours has, each with its one item; undefined where it has none. */
const nodes = new Map<string, (ghost: Ghost, picture: Picture | undefined) => Item | undefined>([
	["urn:xmpp:vcard4", (ghost, picture) => ({ id: "current", content: vcard4Of(ghost, picture) })],
	["http://jabber.org/protocol/nick", ({ name }) => ({ id: "current", content: to.nick(name) })],
	[avatarMetadata, (_, picture) => picture && { id: picture.sha1, content: metadataOf(picture) }],
	[
		avatarData,
		(_, picture) =>
			picture && { id: picture.sha1, content: xml("data", { xmlns: avatarData }, picture.base64) },
	],
]);

/**
 * Answers requests for the nodes of an account (XEP-0163). The lists of OMEMO devices are among the nodes that it does not
 * have, and `item-not-found` tells a client that it has to write unencrypted (XEP-0384).
 */
export const pubsub: Query = {
	type: "get",
	name: "pubsub",
	ns,
	where: ["account", "session"],
	// An account that advertised the namespace would have to take subscriptions as well. The others have the servers of
	// contacts send their pictures and names (XEP-0163 §4).
	features: [`${avatarMetadata}+notify`, `${to.nickNs}+notify`],
	async answer({ payload, ghost }, context) {
		const items = child(payload, "items");
		const node = items?.attrs.node;
		if (node === undefined) throw new StanzaError("feature-not-implemented", "cancel");
		const item = nodes.get(node)?.(ghost, await pictureOf(ghost, context));
		const wanted = items?.getChildren("item").map(({ attrs }) => attrs.id) ?? [];
		if (!item || (wanted.length > 0 && !wanted.includes(item.id)))
			throw new StanzaError("item-not-found", "cancel");
		return xml("pubsub", { xmlns: ns }, xml("items", { node }, xml("item", { id: item.id }, item.content)));
	},
};
