import { createGuard, type Guard, SetAside } from "../../core/guard.ts";
import * as capabilities from "../capabilities.ts";
import type { Conversation } from "../conversation.ts";
import { account } from "../from-xmpp.ts";
import { messageId, spokenBy } from "../message-ids.ts";
import { errorReply } from "../stanza-error.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element } from "../stream/xml.ts";
import { createBounces } from "./bounces.ts";
import type { ClientFeatures } from "./client-features.ts";
import { createFirstContact } from "./first-contact.ts";
import { createIncoming, type IncomingDeps } from "./incoming.ts";
import { createOpenLines } from "./open-lines.ts";
import { createOutgoing } from "./outgoing.ts";
import { pairOf } from "./pair.ts";
import { createSenderQueues } from "./sender-queues.ts";

/** Chats of two: an XMPP account and a ghost. */
export function createDirectChats(
	deps: IncomingDeps & {
		link: Pick<Component, "send">;
		/** Resolves when the XMPP server has taken all that was sent. */
		confirm(): Promise<void>;
		/** The features of accounts' clients. */
		clients: Pick<ClientFeatures, "wrote" | "support">;
		/** Notes which line is in hand. */
		guard?: Guard;
	},
) {
	const { link, log, clients, guard = createGuard(deps.log) } = deps;
	const [contact, open] = [createFirstContact(), createOpenLines()];
	const bounces = createBounces({ ...deps, contact, open });
	const send = createOutgoing({ ...deps, contact, open, guard });
	const take = createIncoming(deps, { contact, bounces, guard, wrote: clients.wrote });

	/** Takes a line in and sends what answers it. Never rejects. */
	async function answered(stanza: Element): Promise<void> {
		const answers = await take(stanza).catch((error: unknown) => {
			if (error instanceof SetAside) return [errorReply(stanza, "cancel", "not-acceptable", error.message)];
			log.error({ err: error }, "a message to a ghost could not be taken");
			return [errorReply(stanza, "wait", "internal-server-error")];
		});
		for (const answer of answers)
			await link
				.send(answer)
				.catch((error: unknown) => log.debug({ err: error }, "the answer to a message could not be sent"));
	}
	const queues = createSenderQueues(answered);

	return {
		owns: (room) => pairOf(room)[1] !== "",
		capabilities: (room) => capabilities.direct((ns) => clients.support(pairOf(room)[0], ns)),
		show: (room) => pairOf(room)[0],
		members: (room) => [account(pairOf(room)[0])],
		send,
		async delivered(room, all) {
			const [, ghost] = pairOf(room);
			return all.map(({ operation }) => [messageId("msg", operation), spokenBy(operation, ghost)]);
		},
		refuse: bounces.refuse,
		claims: ({ name, attrs: { type } }) => name === "message" && type !== "groupchat",
		stanza(stanza: Element): Element | undefined {
			if (stanza.attrs.type === "error") bounces.failed(stanza);
			else if (!queues.add(stanza))
				// Chat states and receipts get no answer.
				return child(stanza, "body") && errorReply(stanza, "wait", "resource-constraint");
			return undefined;
		},
		settled: queues.settled,
	} satisfies Conversation;
}
