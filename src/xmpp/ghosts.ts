import type { Log } from "../core/log.ts";
import type { Bridge } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import type { Bot } from "./bot.ts";
import type { Contacts } from "./contacts/index.ts";
import type { Finding } from "./finding/index.ts";
import { createInvitations, invitationIn } from "./invite.ts";
import { answerIq } from "./iq/index.ts";
import { ghostOf, type IqContext, type Software } from "./iq/query.ts";
import { bare } from "./jid.ts";
import { answerJoin, botAnswers } from "./presence.ts";
import { errorReply, refusal } from "./stanza-error.ts";
import type { Element } from "./stream/xml.ts";

/** Answers the stanzas that no conversation claims: they are for the component itself, or for the account of a ghost. */
export function createGhosts(deps: {
	/** Returns the person of the ghost at a JID; undefined where it has none. @throws TemporaryError, PermanentError */
	who(ghost: string): Promise<Person | undefined>;
	bridge(): Pick<Bridge, "allows" | "bringIn">;
	/** Returns the person behind the ghost of this bare JID as an occupant of a MUC; undefined where it is none of its. */
	occupant(muc: string, ghost: string): Person | undefined;
	/** As in {@link IqContext}. */
	picture: NonNullable<IqContext["picture"]>;
	/** Returns the link to the profile of a person; undefined where there is none. */
	personUrl(person: Person): string | undefined;
	/** The contacts of the ghosts. */
	contacts: Pick<Contacts, "presence">;
	finding: Finding;
	present(presence: Element): void;
	/** The addresses of our admins, as URIs. */
	contact: readonly string[];
	bot: Bot;
	software: Software;
	resource: string;
	log: Log;
}) {
	const { who, bot, software, log } = deps;
	const iqContext: IqContext = {
		software,
		bot,
		adHoc: bot.adHoc,
		contact: deps.contact,
		finding: deps.finding,
		log,
		picture: deps.picture,
		async ghost(jid: string, asker: string) {
			const person = deps.occupant(bare(asker), jid) ?? (await who(jid));
			return person && ghostOf(person, jid, deps.personUrl(person));
		},
	};

	const invited = createInvitations({
		...{ who, log, bridge: deps.bridge },
		isBot: bot.isAt,
	});

	/** The bot grants each subscription, and greets the account that asks for one. */
	async function botPresence(stanza: Element): Promise<readonly Element[]> {
		const answers = botAnswers(stanza, deps.resource, software.name);
		const greets =
			stanza.attrs.type === "subscribe" ? await bot.greeting(stanza.attrs.from ?? "") : undefined;
		return greets ? [...answers, greets] : answers;
	}

	return {
		/**
		 * Returns the work that an invitation into a MUC of others needs, and resolves with the answer that declines it;
		 * undefined for a stanza without one.
		 */
		invitation(stanza: Element): (() => Promise<Element | undefined>) | undefined {
			const invitation = invitationIn(stanza);
			return invitation && (() => invited(stanza, invitation));
		},
		iq: (stanza: Element): Promise<Element | undefined> => answerIq(stanza, iqContext),
		/** Notices the client that a presence comes from. */
		notice: deps.present,
		/** Resolves with the answers to a presence. Never rejects. */
		presence(stanza: Element): Promise<readonly Element[]> {
			const join = answerJoin(stanza);
			if (join) return Promise.resolve([join]);
			const answers = bot.claims(stanza) ? botPresence(stanza) : deps.contacts.presence(stanza);
			return answers.catch((error: unknown) => [refusal(stanza, error, log)]);
		},
		/** Returns the answer to a line of a MUC that the bridge is not in: the MUC then removes the occupant (XEP-0045 §16.4). */
		message: (stanza: Element): Element | undefined =>
			stanza.attrs.type === "groupchat" ? errorReply(stanza, "cancel", "recipient-unavailable") : undefined,
	};
}
export type Ghosts = ReturnType<typeof createGhosts>;
