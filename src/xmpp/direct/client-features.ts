import type { Log } from "../../core/log.ts";
import { askedOfClients } from "../capabilities.ts";
import { bare } from "../jid.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import { createEntityCapabilities } from "./entity-capabilities.ts";

/** Disco queries to clients that may be under way at once. */
const askedAtOnce = 1_000;

/** Learns what the clients of accounts understand: it notices them by their stanzas, and asks each by disco. */
export function createClientFeatures(
	link: Pick<Component, "iq">,
	resource: string,
	log: Log,
	/** Called when an answer of a client is there: a ghost's chat with its account may show more, or less. */
	learned: (client: string, ghost: string) => void,
) {
	const known = createEntityCapabilities(async (jid, as) => {
		const info = await link.iq(to.discoInfo(`${as}/${resource}`, jid));
		const query = child(info, "query", "http://jabber.org/protocol/disco#info");
		return new Set(query?.getChildren("feature").map((feature) => feature.attrs.var ?? ""));
	}, askedOfClients);
	let asking = 0;
	/** Asks a client, unless too many are being asked. A client that does not answer gets native and fallback forms both. */
	function ask(client: string, ghost: string, announced?: string): void {
		if (asking >= askedAtOnce) return;
		asking++;
		known
			.seen(client, ghost, announced)
			.then((asked) => asked && learned(client, ghost))
			.catch((error: unknown) => log.debug({ err: error }, "a client did not answer a disco query"))
			.finally(() => asking--);
	}

	return {
		support: known.support,
		/** A client wrote to a ghost. */
		wrote: (client: string, ghost: string) => ask(client, ghost),
		/** Takes a presence of a client to a ghost. */
		present(presence: Element): void {
			const { from = "", to: ghost = "", type } = presence.attrs;
			if (type === "unavailable") known.gone(from);
			// XEP-0115: a client that announces no capabilities is asked when it writes.
			const announced = child(presence, "c", "http://jabber.org/protocol/caps")?.attrs.ver;
			if (type === undefined && announced) ask(from, bare(ghost), announced);
		},
	};
}
export type ClientFeatures = ReturnType<typeof createClientFeatures>;
