import { StanzaError } from "../stanza-error.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import type { Ghost, Query } from "./query.ts";
import { vcard4Of } from "./vcard4.ts";

const ns = "http://jabber.org/protocol/pubsub";

/** The nodes that an account of ours has, each with its one item. */
const nodes: ReadonlyMap<string, (ghost: Ghost) => Element> = new Map([
	["urn:xmpp:vcard4", vcard4Of],
	["http://jabber.org/protocol/nick", ({ name }: Ghost) => to.nick(name)],
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
	// An account that advertised the namespace would have to take subscriptions as well.
	features: [],
	async answer({ payload, ghost }) {
		const node = child(payload, "items")?.attrs.node;
		if (node === undefined) throw new StanzaError("feature-not-implemented", "cancel");
		const item = nodes.get(node);
		if (!item) throw new StanzaError("item-not-found", "cancel");
		return xml("pubsub", { xmlns: ns }, xml("items", { node }, xml("item", { id: "current" }, item(ghost))));
	},
};
