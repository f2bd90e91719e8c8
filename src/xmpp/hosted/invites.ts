import type { Element } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";

/** True for a message of a session that invites somebody, or declines an invitation (XEP-0045 §7.8). */
export const isInvite = (stanza: Element): boolean => {
	const x = stanza.getChild("x", "http://jabber.org/protocol/muc#user");
	return x !== undefined && (x.getChild("invite") ?? x.getChild("decline")) !== undefined;
};

/** Takes such a message. Returns the error that answers it. */
export const takeInvite = (_stanza: Element, _context: HostedContext): Element | undefined => undefined;
