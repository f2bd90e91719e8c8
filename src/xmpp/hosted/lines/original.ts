import { domain } from "../../jid.ts";
import { passedNs } from "../../message/passed-rooms.ts";
import { mucUser } from "../../muc/status-codes.ts";
import { treatmentOf } from "../../payload-kinds.ts";
import { type Element, xml } from "../../stream/xml.ts";

/** The stanzas of people as their room shows them. Pure. */

/** The namespaces that only the room itself may write. */
const ofTheRoom: ReadonlySet<string | undefined> = new Set([
	mucUser,
	"http://jabber.org/protocol/muc",
	"http://jabber.org/protocol/muc#admin",
	"http://jabber.org/protocol/muc#owner",
	"urn:xmpp:occupant-id:0",
	"urn:xmpp:hats:0",
	"urn:xmpp:message-moderate:1",
	passedNs,
]);
/** Elements of these names vouch for something in the name of an entity: of the room only where the room wrote them. */
const vouching = [
	["stanza-id", "by"],
	["delay", "from"],
	["x", "from"],
] as const;

function isForged(element: Element, component: string): boolean {
	if (ofTheRoom.has(element.getNS())) return true;
	const attribute = vouching.find(([name]) => name === element.getName())?.[1];
	return attribute !== undefined && domain(element.attrs[attribute] ?? "") === component;
}

/** Returns a groupchat message without `from` and `to`, and without what its sender wrote in the name of the room. */
export function originalOf(stanza: Element, component: string): Element {
	const { id, "xml:lang": language } = stanza.attrs;
	return xml(
		"message",
		{ type: "groupchat", ...(id && { id }), "xml:lang": language },
		stanza.getChildElements().filter((one) => !isForged(one, component)),
	);
}

/** Payloads without a line that clients show as they come: typing, read positions, ids and hints. */
const live: ReadonlySet<string | undefined> = new Set([
	"http://jabber.org/protocol/chatstates",
	"urn:xmpp:chat-markers:0",
	"urn:xmpp:sid:0",
	"urn:xmpp:hints",
]);

/**
 * Returns true for a message without a line that people of XMPP may show each other, such as typing: all of its payloads are
 * of no consequence, or unknown to the bridge.
 */
export const isPassing = (stanza: Element): boolean =>
	stanza.getChildElements().every((one) => {
		const says = one.is("body") && one.getText() !== "";
		const known = says || one.is("subject") || (treatmentOf(one) !== undefined && !one.is("body"));
		return live.has(one.getNS()) || one.is("thread") || !known;
	});
