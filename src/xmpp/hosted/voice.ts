import * as phrases from "../phrases.ts";
import { errorReply } from "../stanza-error.ts";
import { child, type Element, text } from "../stream/xml.ts";
import * as refusals from "./line-refusals.ts";
import type { Joined } from "./room.ts";

/** The request for voice (XEP-0045 §7.13). Power levels of the source give voice, so no form of a client can. */

const request = "http://jabber.org/protocol/muc#request";

export const isVoiceRequest = (stanza: Element): boolean => {
	const fields = child(stanza, "x", "jabber:x:data")?.getChildren("field") ?? [];
	return fields.some((field) => field.attrs.var === "FORM_TYPE" && text(field, "value") === request);
};

/** Returns the answer to a request for voice: the way to get it. */
export const answerVoiceRequest = (joined: Joined | undefined, stanza: Element): Element =>
	joined
		? errorReply(stanza, "cancel", "feature-not-implemented", phrases.hostedVoiceByLevel)
		: refusals.notInRoom(stanza);
