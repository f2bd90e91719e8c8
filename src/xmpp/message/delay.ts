import type { BridgeEvent } from "../../core/event.ts";
import { domain } from "../jid.ts";
import { type Element, xml } from "../stream/xml.ts";
import { along, type MessageFeature } from "./feature.ts";

const ns = "urn:xmpp:delay";

/**
 * Returns the time of the delay (XEP-0203) that the entity `by` added, in ms since 1970. Anyone can forge the others.
 */
export function delayedBy(message: Element, by: string): number | undefined {
	for (const delay of message.getChildren("delay", ns)) {
		const at = Date.parse(delay.attrs.stamp ?? "");
		if (delay.attrs.from === by && !Number.isNaN(at)) return at;
	}
	return undefined;
}

/**
 * Returns when a 1:1 message was sent, in ms since 1970, if a server stored it on its way: the sender's server, or ours
 * (a parent domain of `component`). A sender can forge this delay, but only for their own message.
 */
export function heldSince(message: Element, component: string): number | undefined {
	const own = domain(message.attrs.from ?? "");
	const parents = component.split(".").map((_, index, labels) => labels.slice(index).join("."));
	const all = [own, ...parents].map((by) => delayedBy(message, by)).filter((at) => at !== undefined);
	return all.length > 0 ? Math.min(...all) : undefined;
}

export const delay = (event: Pick<BridgeEvent, "at" | "late">, component: string): Element | undefined =>
	event.late && xml("delay", { xmlns: ns, from: component, stamp: new Date(event.at).toISOString() });

/** XEP-0203: an event that arrives late carries its original time. */
export const delays: MessageFeature = {
	vars: [ns],
	write: (event, draft, { component }) => along(draft, delay(event, component)),
};
