import type { Log } from "../core/log.ts";
import type { Person } from "../core/person.ts";
import { answerInvite } from "./invite.ts";
import { answerIq } from "./iq/index.ts";
import type { Software } from "./iq/query.ts";
import { bare } from "./jid.ts";
import { answerPresence } from "./presence.ts";
import { errorReply, refusal } from "./stanza-error.ts";
import type { Element } from "./stream/xml.ts";

/** Answers the stanzas that no conversation claims: they are for the component itself, or for the account of a ghost. */
export function createGhosts(deps: {
	/** Returns the person of the ghost at a JID; undefined where it has none. @throws TemporaryError, PermanentError */
	who(ghost: string): Promise<Person | undefined>;
	/** Resolves with true if the account at a bare JID may write to the person. */
	mayReach(account: string, person: Person): Promise<boolean>;
	present(presence: Element): void;
	software: Software;
	resource: string;
	log: Log;
}) {
	const { who, software, log } = deps;
	const iqContext = {
		software,
		log,
		async ghost(jid: string) {
			const person = await who(jid);
			return person && { name: person.name ?? person.address[0] ?? "" };
		},
	};

	return {
		/** Returns the answer that declines an invitation; undefined for what is no invitation. */
		invite: (stanza: Element): Element | undefined =>
			stanza.name === "message" ? answerInvite(stanza) : undefined,
		iq: (stanza: Element): Promise<Element | undefined> => answerIq(stanza, iqContext),
		/** Notices the client that a presence comes from. */
		notice: deps.present,
		/** Resolves with the answers to a presence. Never rejects. */
		presence(stanza: Element): Promise<readonly Element[]> {
			const ghost = bare(stanza.attrs.to ?? "");
			return answerPresence(stanza, deps.resource, () => who(ghost), deps.mayReach).catch(
				(error: unknown) => [refusal(stanza, error, log)],
			);
		},
		/** Returns the answer to a line of a MUC that the bridge is not in: the MUC then removes the occupant (XEP-0045 §16.4). */
		message: (stanza: Element): Element | undefined =>
			stanza.attrs.type === "groupchat" ? errorReply(stanza, "cancel", "recipient-unavailable") : undefined,
	};
}
export type Ghosts = ReturnType<typeof createGhosts>;
