import type { LevelChange, RoomFacts } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import { account } from "../../from-xmpp.ts";
import { domain, local } from "../../jid.ts";
import { StanzaError } from "../../stanza-error.ts";
import type { HostedContext } from "../context.ts";
import { bareJidIn, realJid } from "../real-jid.ts";

/** The people of a room with a level of their own, by the JIDs that stand for them. Pure. */

type Parts = Pick<HostedContext, "component" | "standsFor" | "of" | "ghost">;

/** Returns the person at a JID, or the address of one of the source. @throws StanzaError for no JID of a person */
export function whomAt(jid: string, { component, standsFor, of }: Parts): LevelChange["whom"] {
	const given = bareJidIn(jid);
	if (local(given) === undefined) throw new StanzaError("jid-malformed", "modify");
	if (domain(given) !== component) return account(given);
	const ghost = standsFor(given);
	if (ghost?.network !== of) throw new StanzaError("item-not-found", "cancel");
	return ghost.address;
}

/** Returns the people with a level of their own, each by the JID that stands for them. */
export const rankedIn = (
	{ levels }: RoomFacts,
	{ ghost }: Pick<Parts, "ghost">,
): ReadonlyMap<string, Person> =>
	new Map(levels?.people.map((person) => [realJid(person, { ghost }), person]));
