import { fingerprint, type Item } from "../core/guard.ts";
import { bare } from "./jid.ts";
import { type Element, serialize, text } from "./stream/xml.ts";

/**
 * Returns the guard's item for a stanza. The fingerprint of a message covers only sender, id and body, so that a MUC
 * message keeps its fingerprint when it comes again from the archive (XEP-0313), which adds and removes other elements.
 */
export function stanzaItem(stanza: Element): Item {
	const { name, attrs } = stanza;
	const { from = "", id = "", type = "" } = attrs;
	const body = name === "message" ? text(stanza, "body") : undefined;
	const named = name === "message" && (id !== "" || body !== undefined);
	const key = named ? fingerprint("message", from, id, body ?? "") : fingerprint("stanza", serialize(stanza));
	return { key, what: `XMPP ${name} ${type} from ${bare(from)}, id ${id}` };
}
