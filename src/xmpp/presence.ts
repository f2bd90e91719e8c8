import type { Person } from "../core/person.ts";
import { bare } from "./jid.ts";
import * as phrases from "./phrases.ts";
import { errorReply } from "./stanza-error.ts";
import { child, type Element } from "./stream/xml.ts";
import * as to from "./to-xmpp.ts";

/**
 * Resolves with the answers of a ghost to a presence (RFC 6121 §3 and §4). A ghost grants a subscription to all who may
 * write to its person, so it keeps no roster. The bridge does not know whether the person is online: no answer says so.
 * `person` looks the ghost's person up, and is called only where the answer depends on it.
 */
export async function answerPresence(
	stanza: Element,
	resource: string,
	person: () => Promise<Person | undefined>,
	/** Resolves with true if the account at a bare JID may write to the person. */
	mayReach: (account: string, who: Person) => Promise<boolean>,
): Promise<readonly Element[]> {
	const { from = "", to: ghost = "", type } = stanza.attrs;
	const [mine, theirs] = [bare(ghost), bare(from)];
	const reached = async () => {
		const who = await person();
		return who && (await mayReach(theirs, who)) ? who : undefined;
	};
	switch (type) {
		case "subscribe": {
			const who = await reached();
			return [to.presence(mine, theirs, who ? "subscribed" : "unsubscribed", who?.name)];
		}
		case "probe":
			// RFC 6121 §4.3.2: an account that does not exist has no subscribers. One without a resource is unavailable.
			return [to.presence(mine, from, (await reached()) ? "unavailable" : "unsubscribed")];
		case "unsubscribe":
			return [
				to.presence(`${mine}/${resource}`, theirs, "unavailable"),
				to.presence(mine, theirs, "unsubscribed"),
			];
		case undefined:
			// A join (XEP-0045 §7.2): clients wait for ever for an answer that does not come.
			return child(stanza, "x", "http://jabber.org/protocol/muc")
				? [errorReply(stanza, "cancel", "service-unavailable", phrases.xmppNoRoom)]
				: [];
		default:
			return [];
	}
}
