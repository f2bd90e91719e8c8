import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { bare, prepared } from "../jid.ts";
import { StanzaError } from "../stanza-error.ts";
import type { World } from "./world.ts";

/** Returns the bare JID of a person in a hosted room, which is not anonymous; that of the ghost for a person of the source. */
export const realJid = (person: Person, { ghost }: Pick<World, "ghost">): string =>
	person.network === xmppNetwork ? person.id : ghost(person);

/** Returns the bare JID that a client names, of a person or a whole domain. @throws StanzaError if it names none */
export function bareJidIn(given: string): string {
	const jid = prepared(bare(given));
	if (!/^([^@\s]+@)?[^@\s]+$/.test(jid)) throw new StanzaError("jid-malformed", "modify");
	return jid;
}
