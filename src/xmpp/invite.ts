import { mucUser } from "./muc/status-codes.ts";
import * as phrases from "./phrases.ts";
import { errorReply } from "./stanza-error.ts";
import { child, type Element, xml } from "./stream/xml.ts";

/** Returns the answer that declines an invitation into a MUC; undefined for a message that is no invitation. */
export function answerInvite(message: Element): Element | undefined {
	const { from, to, type } = message.attrs;
	if (type === "error" || type === "groupchat") return undefined;
	const invite = child(message, "x", mucUser)?.getChild("invite");
	if (invite) {
		// XEP-0045 §7.8.2: a decline goes to the MUC, which passes it on to the inviter.
		const decline = xml("decline", { to: invite.attrs.from }, xml("reason", {}, phrases.xmppNoInvite));
		return xml("message", { from: to, to: from }, xml("x", { xmlns: mucUser }, decline));
	}
	// XEP-0249 has no decline, so the inviter gets an error that says why.
	return child(message, "x", "jabber:x:conference")
		? errorReply(message, "cancel", "feature-not-implemented", phrases.xmppNoInvite)
		: undefined;
}
