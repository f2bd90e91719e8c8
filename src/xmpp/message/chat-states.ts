import { child, type Element, xml } from "../stream/xml.ts";
import type { MessageFeature } from "./feature.ts";

/** XEP-0085: typing. */

export const chatStatesNs = "http://jabber.org/protocol/chatstates";
const states = ["active", "composing", "paused", "inactive", "gone"] as const;

export const chatStates: MessageFeature = { vars: [chatStatesNs] };

/** Returns the element that says that the sender types, or has ended that. */
export const typing = (active: boolean): Element =>
	xml(active ? "composing" : "active", { xmlns: chatStatesNs });

/** Returns whether the sender types; undefined for a message that says nothing about it. A message with a body ends the typing. */
export function typingIn(message: Element): boolean | undefined {
	if (child(message, "composing", chatStatesNs)) return true;
	const says = child(message, "body") || states.some((state) => child(message, state, chatStatesNs));
	return says ? false : undefined;
}
