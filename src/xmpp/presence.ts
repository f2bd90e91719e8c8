import type { Person } from "../core/person.ts";
import { bare } from "./jid.ts";
import * as phrases from "./phrases.ts";
import { errorReply } from "./stanza-error.ts";
import { child, type Element } from "./stream/xml.ts";
import * as to from "./to-xmpp.ts";

/**
 * Resolves with the answers of a ghost to a presence (RFC 6121 §3 and §4). A ghost grants every subscription, so it keeps
 * no roster. `person` looks the ghost's person up, and is called only where the answer depends on it.
 */
export async function answerPresence(
	stanza: Element,
	resource: string,
	person: () => Promise<Person | undefined>,
): Promise<readonly Element[]> {
	const { from = "", to: ghost = "", type } = stanza.attrs;
	const [mine, theirs] = [bare(ghost), bare(from)];
	const available = (who: Person, where: string) =>
		to.presence(`${mine}/${resource}`, where, undefined, who.name);
	switch (type) {
		case "subscribe": {
			const who = await person();
			return who
				? [to.presence(mine, theirs, "subscribed"), available(who, theirs)]
				: [to.presence(mine, theirs, "unsubscribed")];
		}
		case "probe": {
			const who = await person();
			// RFC 6121 §4.3.2: an account that does not exist has no subscribers.
			return [who ? available(who, from) : to.presence(mine, from, "unsubscribed")];
		}
		case "unsubscribe":
			return [
				to.presence(`${mine}/${resource}`, theirs, "unavailable"),
				to.presence(mine, theirs, "unsubscribed"),
			];
		case undefined:
			// A join (XEP-0045 §7.2): clients wait for ever for an answer that does not come.
			return child(stanza, "x", "http://jabber.org/protocol/muc")
				? [errorReply(stanza, "cancel", "service-unavailable", phrases.xmppNoHostedRoom)]
				: [];
		default:
			return [];
	}
}
