import { child, type Element, xml } from "../stream/xml.ts";
import type { MessageFeature } from "./feature.ts";

/** XEP-0333: the person has read the conversation up to a message. */

export const markersNs = "urn:xmpp:chat-markers:0";

export const markers: MessageFeature = { vars: [markersNs] };

/** Returns the element by which a message asks to be marked. */
export const markable = (): Element => xml("markable", { xmlns: markersNs });

/** Returns the marker for a message: in a MUC by its stanza-id, else by the id of its sender (XEP-0333 §4). */
export const displayed = (id: string): Element => xml("displayed", { xmlns: markersNs, id });

/** Returns the id of the message up to which the sender has read; undefined for a stanza that is no marker. */
export const displayedIn = (message: Element): string | undefined =>
	child(message, "displayed", markersNs)?.attrs.id || undefined;
