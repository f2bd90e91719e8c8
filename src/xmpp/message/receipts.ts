import { child, type Element, xml } from "../stream/xml.ts";

/** XEP-0184: a client confirms a message that it received. */

export const receiptsNs = "urn:xmpp:receipts";

/** Returns the element by which a message asks for a receipt. */
export const receiptRequest = (): Element => xml("request", { xmlns: receiptsNs });

/** Returns the id of the message that a receipt confirms; undefined for a stanza that is no receipt. */
export const receiptIn = (message: Element): string | undefined =>
	child(message, "received", receiptsNs)?.attrs.id;

/** Returns whether the sender of a message wants to be told that it was received. */
export const asksForReceipt = (message: Element): boolean =>
	child(message, "request", receiptsNs) !== undefined && (message.attrs.id ?? "") !== "";

/** Returns the element that confirms a message. */
export const receipt = (id: string): Element => xml("received", { xmlns: receiptsNs, id });
