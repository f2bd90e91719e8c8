import { createGuard, type Guard, SetAside } from "../core/guard.ts";
import { createRateLimit } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Person } from "../core/person.ts";
import * as phrases from "../core/phrases.ts";
import type { createClientFeatures } from "./direct/client-features.ts";
import type { createDirectChats } from "./direct/index.ts";
import { answerInvite } from "./invite.ts";
import { answerIq } from "./iq/index.ts";
import { bare, domain } from "./jid.ts";
import type { createJoinedRooms } from "./joined/index.ts";
import { answerPresence } from "./presence.ts";
import { errorReply, mayBeAnswered, refusal } from "./stanza-error.ts";
import { stanzaItem } from "./stanza-item.ts";
import { stanzaMemory } from "./stanza-memory.ts";
import type { Component } from "./stream/component.ts";
import { child, type Element } from "./stream/xml.ts";

/** How often one domain of blocked people is told so: what they write costs us no more than they can write. */
const refusalRate = { perMinute: 10, burst: 10 };
/** Bytes of the questions (IQ and presence) whose answers are being found or written, as trees. */
const mostAskedBytes = 16 * 1_048_576;

/**
 * Hands each stanza but the answers to our own questions to whom it is for. Whatever needs an answer gets one; nothing a
 * stranger sends throws.
 */
export function createRouter(deps: {
	link: Pick<Component, "send">;
	rooms: ReturnType<typeof createJoinedRooms>;
	chats: ReturnType<typeof createDirectChats>;
	clients: ReturnType<typeof createClientFeatures>;
	/** Whom the ghost at a JID stands for. */
	who(ghost: string): Promise<Person | undefined>;
	/** Whether the permissions let the account at a bare JID use the bridge. */
	allowed(jid: string): boolean;
	/** Domain of our component. */
	component: string;
	/** What we say we are. */
	software: Readonly<{ name: string; version: string }>;
	resource: string;
	guard?: Guard;
	log: Log;
}) {
	const {
		link,
		rooms,
		chats,
		clients,
		who,
		allowed,
		component,
		software,
		resource,
		log,
		guard = createGuard(deps.log),
	} = deps;
	const refusals = createRateLimit(refusalRate);
	/** Answers that are being found, or written. */
	const owed = new Set<Promise<void>>();

	/** Bytes that {@link ask} counts now. */
	let askedBytes = 0;

	function send(...answers: readonly (Element | undefined)[]): void {
		for (const answer of answers) if (answer) owe(written(answer));
	}

	const written = (answer: Element): Promise<void> =>
		link.send(answer).catch((error: unknown) => log.debug({ err: error }, "answer not sent"));

	/**
	 * Sends what `answer` finds for a question. A question past the bytes that may wait is turned away at once: an IQ gets
	 * an error, a presence nothing.
	 */
	function ask(question: Element, answer: () => Promise<readonly (Element | undefined)[]>): void {
		const size = stanzaMemory(question);
		if (askedBytes > 0 && askedBytes + size > mostAskedBytes) {
			if (question.name === "iq" && mayBeAnswered(question))
				send(errorReply(question, "wait", "resource-constraint"));
			return;
		}
		askedBytes += size;
		const work = async () => {
			for (const one of await answer()) if (one) await written(one);
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

	/** Everybody an IQ can be about: people's ghosts, and our listeners. */
	async function ghost(jid: string) {
		if (rooms.isListener(jid)) return { name: software.name };
		const person = await who(jid);
		return person && { name: person.name ?? person.address[0] ?? "" };
	}

	/** True for a stanza of somebody whom the permissions block: asked before anything is looked up or parsed. */
	function isBlocked({ attrs: { from = "" } }: Element): boolean {
		const who = bare(from);
		// Occupants are judged line by line, as who they are in the room; the link asks itself whether it is alone.
		return who !== component && !rooms.has(who) && !allowed(who);
	}

	/** The least that the protocol lets us say to somebody who is blocked. */
	function turnAway(element: Element): void {
		const { from = "", type } = element.attrs;
		// RFC 6120 §8.2.3: each get and set has an answer. RFC 6121 §8.5: with this one nobody learns who exists here.
		if (element.name === "iq")
			send(mayBeAnswered(element) ? errorReply(element, "cancel", "service-unavailable") : undefined);
		else if (element.name !== "message") return;
		else if (type === "error") chats.failed(element);
		else if (type === "groupchat") send(errorReply(element, "cancel", "recipient-unavailable"));
		else if (child(element, "body") && refusals(domain(from)))
			send(
				errorReply(
					element,
					"auth",
					"forbidden",
					phrases.notDelivered(phrases.unlinkedTarget, phrases.blocked),
				),
			);
	}

	function route(element: Element): void {
		const { from = "", to = "", type } = element.attrs;
		if (isBlocked(element)) {
			turnAway(element);
			return;
		}
		const room = rooms.has(bare(from));
		switch (element.name) {
			case "iq":
				ask(element, async () => [await answerIq(element, { software, ghost, log })]);
				return;
			case "presence":
				if (room || type === "error") {
					send(rooms.stanza(element));
					return;
				}
				clients.present(element);
				ask(element, () =>
					answerPresence(element, resource, () => who(bare(to))).catch((error: unknown) => [
						refusal(element, error, log),
					]),
				);
				return;
			case "message": {
				const invite = answerInvite(element);
				if (invite) send(invite);
				else if (room) send(rooms.stanza(element));
				else if (type === "error") chats.failed(element);
				// A room we left long ago, or never were in: it is told, and takes us off its list (XEP-0045 §16.4).
				else if (type === "groupchat") send(errorReply(element, "cancel", "recipient-unavailable"));
				else send(chats.message(element));
			}
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
						: errorReply(element, "wait", "internal-server-error"),
				);
			}
		},
		/** All that came in so far has its answer, or was handed on. */
		settled: async (): Promise<void> => {
			await Promise.all([chats.settled(), ...owed]);
		},
	};
}
