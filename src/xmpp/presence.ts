import { bare } from "./jid.ts";
import * as phrases from "./phrases.ts";
import { errorReply } from "./stanza-error.ts";
import { child, type Element } from "./stream/xml.ts";
import * as to from "./to-xmpp.ts";

/** Returns the answer to a join at an address that is no room: clients wait for ever for one that does not come. */
export const answerJoin = (stanza: Element): Element | undefined =>
	// XEP-0045 §7.2
	stanza.attrs.type === undefined && child(stanza, "x", "http://jabber.org/protocol/muc")
		? errorReply(stanza, "cancel", "service-unavailable", phrases.xmppNoRoom)
		: undefined;

/**
 * Returns the answers of the bot to a subscription stanza (RFC 6121 §3 and §4). It grants each subscription, so it keeps no
 * roster. It is shown as online to nobody: no server would tell that the bridge has gone.
 */
export function botAnswers(stanza: Element, resource: string, name: string): readonly Element[] {
	const { from = "", to: bot = "", type } = stanza.attrs;
	const [mine, theirs] = [bare(bot), bare(from)];
	switch (type) {
		case "subscribe":
			return [to.presence(mine, theirs, "subscribed", name)];
		case "probe":
			return [to.presence(mine, from, "unavailable")];
		case "unsubscribe":
			return [
				to.presence(`${mine}/${resource}`, theirs, "unavailable"),
				to.presence(mine, theirs, "unsubscribed"),
			];
		default:
			return [];
	}
}
