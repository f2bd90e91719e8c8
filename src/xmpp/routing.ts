import { createGuard, type Guard, SetAside } from "../core/guard.ts";
import { createRateLimit } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Bot } from "./bot.ts";
import type { Conversation } from "./conversation.ts";
import type { Ghosts } from "./ghosts.ts";
import { isRoomJid } from "./hosted/addresses.ts";
import { isJoin } from "./hosted/presences.ts";
import { blocked, refuse } from "./hosted/refusals.ts";
import { bare, domain } from "./jid.ts";
import * as phrases from "./phrases.ts";
import { errorReply, mayBeAnswered } from "./stanza-error.ts";
import { stanzaItem } from "./stanza-item.ts";
import { stanzaMemory } from "./stanza-memory.ts";
import type { Component } from "./stream/component.ts";
import { child, type Element } from "./stream/xml.ts";

/** How often the blocked accounts of one domain are told so; past it they get no answer. */
const refusalRate = { perMinute: 10, burst: 10 };
/** Bytes in memory of the queries (IQ and presence) whose answers are being looked up or written. */
const mostAskedBytes = 16 * 1_048_576;

/**
 * Hands each stanza to the conversation that claims it, else to the ghosts; answers to our own queries do not come here.
 * Each stanza that needs an answer gets one, and no stanza of a stranger makes it throw.
 */
export function createRouter(deps: {
	link: Pick<Component, "send">;
	/** Sends an answer to a line for a ghost or the bot, an error also later. Never rejects. */
	answer(answer: Element): Promise<void>;
	/** Takes the message by which a server grants privileges; returns false for any other stanza. */
	granted(stanza: Element): boolean;
	/** In the order in which they are asked. */
	conversations: readonly Conversation[];
	ghosts: Ghosts;
	/** The bot claims its stanzas before any conversation is asked. */
	bot: Pick<Bot, "claims" | "message">;
	/** True where the permissions let the account at a bare JID use the bridge. */
	allowed(jid: string): boolean;
	/** The domain of our component. */
	component: string;
	guard?: Guard;
	log: Log;
}) {
	const { link, conversations, ghosts, bot, allowed, component, log, guard = createGuard(deps.log) } = deps;
	const refusals = createRateLimit(refusalRate);
	/** Answers that are being looked up or written. */
	const owed = new Set<Promise<void>>();

	/** Bytes that {@link ask} counts now. */
	let askedBytes = 0;

	function send(...answers: readonly (Element | undefined)[]): void {
		for (const answer of answers) if (answer) owe(written(answer));
	}

	const written = (answer: Element): Promise<void> =>
		link
			.send(answer)
			.catch((error: unknown) => log.debug({ err: error }, "the answer to a stanza could not be sent"));

	/**
	 * Sends the answers that `answer` resolves with. A query past the bytes that may wait is refused at once: an IQ gets an
	 * error, a presence nothing.
	 */
	function ask(question: Element, answer: () => Promise<readonly (Element | undefined)[]>): void {
		const size = stanzaMemory(question);
		if (askedBytes > 0 && askedBytes + size > mostAskedBytes) {
			if (mayBeAnswered(question))
				send(errorReply(question, "wait", "resource-constraint", phrases.xmppCrowded));
			return;
		}
		askedBytes += size;
		const work = async () => {
			const write = question.name === "message" ? deps.answer : written;
			for (const one of await answer()) if (one) await write(one);
		};
		owe(
			work().finally(() => {
				askedBytes -= size;
			}),
		);
	}

	function owe(work: Promise<void>): void {
		const mine = work.finally(() => owed.delete(mine));
		owed.add(mine);
	}

	const claiming = (element: Element) => conversations.find((one) => one.claims(element));

	/** True for a stanza of an account that the permissions block: asked before anything is looked up or parsed. */
	function isBlocked({ attrs: { from = "" } }: Element): boolean {
		const sender = bare(from);
		// The component pings itself, see createConflictWatch. For occupants of MUCs see Conversation.isMuc.
		return sender !== component && !conversations.some((one) => one.isMuc?.(sender)) && !allowed(sender);
	}

	/** Gives a blocked account the least answer that the protocol allows. */
	function turnAway(element: Element): void {
		const { from = "", to = "", type } = element.attrs;
		// RFC 6120 §8.2.3: each get and set has an answer. RFC 6121 §8.5: this one does not tell which accounts exist.
		if (element.name === "iq")
			send(mayBeAnswered(element) ? errorReply(element, "cancel", "service-unavailable") : undefined);
		// XEP-0045 §7.2.7: each join has an answer. The client of a room of ours waits for it.
		else if (isJoin(element) && type === undefined && claiming(element) && refusals(domain(from)))
			send(refuse(element, blocked));
		else if (element.name !== "message") return;
		else if (type === "error") send(claiming(element)?.stanza(element));
		else if (type === "groupchat" && !isRoomJid(to, component)) send(ghosts.message(element));
		else if (child(element, "body") && refusals(domain(from)))
			owe(
				deps.answer(
					errorReply(
						element,
						"auth",
						"forbidden",
						phrases.notDelivered(phrases.unlinkedTarget, phrases.blocked),
					),
				),
			);
	}

	function route(element: Element): void {
		// A server is no person whom the permissions name.
		if (deps.granted(element)) return;
		if (isBlocked(element)) {
			turnAway(element);
			return;
		}
		// An invitation to a ghost comes from a MUC or from an account, but is for neither conversation.
		const invitation = claiming(element)?.invites ? undefined : ghosts.invitation(element);
		if (invitation) {
			ask(element, async () => [await invitation()]);
			return;
		}
		const { name, attrs } = element;
		if (bot.claims(element) && name !== "presence") {
			ask(element, async () => (name === "iq" ? [await ghosts.iq(element)] : bot.message(element)));
			return;
		}
		const conversation = claiming(element);
		if (name === "iq") ask(element, async () => [await (conversation?.iq ?? ghosts.iq)(element)]);
		else if (conversation) send(conversation.stanza(element));
		else if (name === "message") send(ghosts.message(element));
		else if (name === "presence" && attrs.type !== "error") {
			ghosts.notice(element);
			ask(element, () => ghosts.presence(element));
		}
	}

	return {
		take(element: Element): void {
			try {
				guard.handle(stanzaItem(element), () => route(element));
			} catch (error) {
				// The guard has logged what is set aside.
				const apart = error instanceof SetAside;
				if (!apart) log.error({ err: error, kind: element.name }, "a stanza could not be handled");
				if (!mayBeAnswered(element)) return;
				send(
					apart
						? errorReply(element, "cancel", "not-acceptable", error.message)
						: errorReply(element, "wait", "internal-server-error", phrases.xmppBroken),
				);
			}
		},
		/** Resolves when all stanzas that came in so far are answered or handed on. */
		settled: async (): Promise<void> => {
			await Promise.all([...conversations.map((one) => one.settled?.()), ...owed]);
		},
	};
}
