import type { Log } from "../../core/log.ts";
import { askedOfClients } from "../capabilities.ts";
import { bare } from "../jid.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import { createEntityCapabilities } from "./entity-capabilities.ts";

/** Questions that are not answered yet. */
const askedAtOnce = 1_000;

/** The clients of the people our ghosts talk to, told by what they send, and asked what they know. */
export function createClientFeatures(link: Pick<Component, "iq">, resource: string, log: Log) {
	const known = createEntityCapabilities(async (jid, as) => {
		const info = await link.iq(to.discoInfo(`${as}/${resource}`, jid));
		const query = child(info, "query", "http://jabber.org/protocol/disco#info");
		return new Set(query?.getChildren("feature").map((feature) => feature.attrs.var ?? ""));
	}, askedOfClients);
	let asking = 0;
	/** What it does not tell is unknown, and both forms go there. Of a flood not all are asked. */
	function ask(client: string, ghost: string, announced?: string): void {
		if (asking >= askedAtOnce) return;
		asking++;
		known
			.seen(client, ghost, announced)
			.catch((error: unknown) => log.debug({ err: error }, "a client does not say what it knows"))
			.finally(() => asking--);
	}

	return {
		support: known.support,
		/** A client writes to a ghost. */
		wrote: (client: string, ghost: string) => ask(client, ghost),
		/** A client tells a ghost that it is there, or that it goes. */
		present(presence: Element): void {
			const { from = "", to: ghost = "", type } = presence.attrs;
			if (type === "unavailable") known.gone(from);
			// XEP-0115: who announces nothing is asked when they write.
			const announced = child(presence, "c", "http://jabber.org/protocol/caps")?.attrs.ver;
			if (type === undefined && announced) ask(from, bare(ghost), announced);
		},
	};
}
