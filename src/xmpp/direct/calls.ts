import { payloadIn } from "../message/happenings.ts";
import * as phrases from "../phrases.ts";
import { type Element, xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";

/**
 * Returns the answers of a ghost to a call: it declines, or the call would ring in vain, and says why. Empty for any other
 * message. `resource` is the ghost's, `id` that of the explanation.
 */
export function answersToCall(stanza: Element, resource: string, id: string): readonly Element[] {
	const { from = "", to: ghost = "" } = stanza.attrs;
	const payload = payloadIn(stanza);
	const mine = `${ghost.split("/")[0]}/${resource}`;
	const decline = (...reject: readonly Element[]) => [
		xml(
			"message",
			{ type: "chat", from: mine, to: from },
			...reject,
			xml("store", { xmlns: "urn:xmpp:hints" }),
		),
		to.chat(mine, from, id, to.words(phrases.callDeclined)),
	];
	switch (payload?.as) {
		case "call":
			// XEP-0353 §3.3
			return decline(
				xml(
					"reject",
					{ xmlns: "urn:xmpp:jingle-message:0", id: payload.element.attrs.id },
					xml("reason", { xmlns: "urn:xmpp:jingle:1" }, xml("unsupported-applications")),
				),
			);
		case "call-invite":
			// XEP-0482 §4.3: the invitation is known by the id of its message.
			return decline(xml("reject", { xmlns: "urn:xmpp:call-invites:0", id: stanza.attrs.id }));
		default:
			return [];
	}
}
