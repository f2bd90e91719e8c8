import type { Element } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";

/** True for an IQ that moderates a message (XEP-0425). */
export const isModeration = (stanza: Element): boolean =>
	stanza.getChild("moderate", "urn:xmpp:message-moderate:1") !== undefined;

/** Resolves with the answer to such an IQ. */
export const moderate = async (_stanza: Element, _context: HostedContext): Promise<Element | undefined> =>
	undefined;
