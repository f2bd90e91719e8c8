import type { BridgeEvent } from "../../core/event.ts";
import { domain } from "../jid.ts";
import { type Element, xml } from "../stream/xml.ts";
import { along, type MessageFeature } from "./feature.ts";

const ns = "urn:xmpp:delay";

/** When it was said (XEP-0203), ms since 1970. Anybody can write a delay: only those of `by` count. */
export function delayedBy(message: Element, by: string): number | undefined {
	for (const delay of message.getChildren("delay", ns)) {
		const at = Date.parse(delay.attrs.stamp ?? "");
		if (delay.attrs.from === by && !Number.isNaN(at)) return at;
	}
	return undefined;
}

/**
 * When a line of a chat of two was said that was held on its way: by the server of who wrote it, or by ours, whose
 * component we are. Whoever writes it themselves lies about no more than their own line.
 */
export function heldSince(message: Element, component: string): number | undefined {
	const own = domain(message.attrs.from ?? "");
	const parents = component.split(".").map((_, index, labels) => labels.slice(index).join("."));
	const all = [own, ...parents].map((by) => delayedBy(message, by)).filter((at) => at !== undefined);
	return all.length > 0 ? Math.min(...all) : undefined;
}

export const delay = (event: Pick<BridgeEvent, "at" | "late">, component: string): Element | undefined =>
	event.late && xml("delay", { xmlns: ns, from: component, stamp: new Date(event.at).toISOString() });

/** XEP-0203: what comes late says when it was said. */
export const delays: MessageFeature = {
	vars: [ns],
	write: (event, draft, { component }) => along(draft, delay(event, component)),
};
