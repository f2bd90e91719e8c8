import * as phrases from "../phrases.ts";
import { errorReply } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";
import type { Joined } from "./room.ts";

/** Takes a message of a session to the occupant at a nick (XEP-0045 §7.5). Returns the error that answers it. */
export const takePrivateMessage = (
	_from: Joined,
	stanza: Element,
	_context: HostedContext,
): Element | undefined => errorReply(stanza, "cancel", "feature-not-implemented", phrases.xmppNoPrivate);
