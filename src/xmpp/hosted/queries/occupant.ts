import { xmppNetwork } from "../../from-xmpp.ts";
import { answerIq } from "../../iq/index.ts";
import { ghostOf } from "../../iq/query.ts";
import { resource } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { type Element, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { reveal } from "../reveal.ts";
import type { Occupant } from "../room.ts";
import { pingNs } from "./ping.ts";
import type { Relay } from "./relay.ts";

/**
 * Resolves with the answer to an IQ to a nick of a room (XEP-0045 §6.6). The bridge answers for the people of the source;
 * people of XMPP answer themselves. @throws StanzaError and core's errors.
 */
export async function askOccupant(
	stanza: Element,
	payload: Element,
	context: HostedContext,
	relay: Relay,
): Promise<Element | undefined> {
	const { from, to = "", id } = stanza.attrs;
	const joined = context.rooms.joined(stanza);
	// XEP-0410 §3.2: this error tells a client that it is out, and every other answer that it is in.
	if (!joined) throw refusalOf(payload);
	const occupant = joined.room.occupants.get(resource(to) ?? "");
	if (!occupant) throw new StanzaError("item-not-found", "cancel", phrases.hostedNoSuchOccupant);
	const result = (...children: readonly Element[]) =>
		xml("iq", { type: "result", from: to, to: from, id }, children);
	// XEP-0410 §3.3: the client need not be asked itself.
	if (occupant === joined.occupant && payload.is("ping", pingNs)) return result();
	reveal(joined.room, occupant, context);
	if (occupant.person.network !== xmppNetwork) return answerIq(stanza, accounts(occupant, context));
	return result(...(await relay(stanza, payload, joined.occupant.nick, occupant)));
}

// XEP-0045 §6.6: a disco query of somebody who has not joined is malformed.
const refusalOf = (payload: Element): StanzaError =>
	payload.getNS()?.startsWith("http://jabber.org/protocol/disco#")
		? new StanzaError("bad-request", "modify")
		: new StanzaError("not-acceptable", "cancel");

/** The context in which the account of a person of the source is asked. */
function accounts({ person, nick }: Occupant, { software, ghost, bridge, faces, log }: HostedContext) {
	const known = ghostOf({ ...person, name: person.name ?? nick }, ghost(person), bridge().personUrl(person));
	return { software, log, picture: faces.soon, ghost: async () => known };
}
