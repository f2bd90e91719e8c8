import { createBoundedMap } from "../../core/bounded-map.ts";
import { createGuard, type Guard, SetAside } from "../../core/guard.ts";
import type { MessageId, OperationId } from "../../core/ids.ts";
import type { Taken } from "../../core/taken.ts";
import * as capabilities from "../capabilities.ts";
import type { Contacts } from "../contacts/index.ts";
import type { Conversation } from "../conversation.ts";
import type { Faces } from "../faces.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { bare } from "../jid.ts";
import { receiptIn } from "../message/receipts.ts";
import { messageId, spokenBy } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { createSenderQueues } from "../sender-queues.ts";
import { errorReply } from "../stanza-error.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element } from "../stream/xml.ts";
import { createBounces } from "./bounces.ts";
import type { ClientFeatures } from "./client-features.ts";
import { createEarlierContact } from "./earlier-contact.ts";
import { createFirstContact } from "./first-contact.ts";
import { createIncoming, type IncomingDeps } from "./incoming.ts";
import { createOpenLines } from "./open-lines.ts";
import { createOutgoing } from "./outgoing.ts";
import { pairOf } from "./pair.ts";
import { createProfiles } from "./profiles.ts";
import { createDirectSignals } from "./signals.ts";

/** Chats of two: an XMPP account and a ghost. */
export function createDirectChats(
	deps: IncomingDeps & {
		link: Pick<Component, "online" | "send">;
		contacts: Omit<Contacts, "load" | "presence" | "granted" | "watching">;
		/** Resolves when the XMPP server has taken all that was sent. */
		confirm(): Promise<void>;
		/** Sends an answer to a line, an error also later. Never rejects. */
		answer(answer: Element): Promise<void>;
		/** Reads the profiles of accounts. */
		faces: Pick<Faces, "profile">;
		/** The features of accounts' clients. */
		clients: Pick<ClientFeatures, "wrote" | "support" | "present">;
		/** The lines that the server has taken. Absent: they are forgotten with the process. */
		taken?: Taken;
		/** Notes which line is in hand. */
		guard?: Guard;
	},
) {
	const { log, clients, contacts, guard = createGuard(deps.log) } = deps;
	const [contact, open] = [createFirstContact(), createOpenLines()];
	const earlier = createEarlierContact(deps.bridge, log);
	const taken = deps.taken ?? createBoundedMap<OperationId, readonly MessageId[]>(1_000);
	const bounces = createBounces({ ...deps, contact, earlier, open });
	const { support } = clients;
	const { client } = bounces;
	const signals = createDirectSignals({ ...deps, support, contact, earlier, client });
	const profiles = createProfiles({
		...deps,
		isChat: async (room) => (await deps.bridge().portal(xmppNetwork, room)) !== undefined,
		later: (work) => void guard.run("profile of an account", work),
	});
	const send = createOutgoing({
		...deps,
		contact,
		earlier,
		open,
		support,
		taken,
		guard,
		met(room, person) {
			contacts.met(room, person);
			profiles.look(pairOf(room)[0], room);
		},
	});

	/** Takes the receipt of a client: the line that it names got through. */
	function received(id: string, from: string): void {
		const line = open.get(id);
		if (line && pairOf(line.room)[0] === bare(from)) contact.reach(line.room);
	}
	const take = createIncoming(deps, {
		...{ contact, bounces, guard, profiles },
		wrote(room, client, ghost) {
			clients.wrote(client, ghost);
			contacts.wrote(room);
		},
	});

	/** Takes a line in and sends what answers it. Never rejects. */
	async function answered(stanza: Element): Promise<void> {
		const answers = await take(stanza).catch((error: unknown) => {
			if (error instanceof SetAside) return [errorReply(stanza, "cancel", "not-acceptable", error.message)];
			log.error({ err: error }, "a message to a ghost could not be taken");
			return [errorReply(stanza, "wait", "internal-server-error", phrases.xmppBroken)];
		});
		for (const answer of answers) await deps.answer(answer);
	}
	const queues = createSenderQueues(answered);

	return {
		owns: (room) => pairOf(room)[1] !== "",
		capabilities: (room) => capabilities.direct((ns) => clients.support(pairOf(room)[0], ns)),
		show: (room) => pairOf(room)[0],
		members: (room) => [profiles.person(pairOf(room)[0])],
		send,
		async signal(out) {
			const { signal, room } = out;
			if (signal.kind === "presence") await contacts.signal(room, signal);
			else await signals.show(out);
		},
		hears: (kind) => kind !== "received",
		confirm: signals.confirm,
		async delivered(room, all) {
			const [, ghost] = pairOf(room);
			return all.map(({ operation }) => [messageId("msg", operation), spokenBy(operation, ghost)]);
		},
		async attach(portal, { room }) {
			if (room) contacts.attach(room, portal);
		},
		async detach({ room }) {
			if (!room) return;
			earlier.forget(room);
			await contacts.detach(room);
		},
		refuse: bounces.refuse,
		claims: ({ name, attrs: { type } }) => name === "message" && type !== "groupchat",
		stanza(stanza: Element): Element | undefined {
			const receipt = receiptIn(stanza);
			if (stanza.attrs.type !== "error") {
				signals.take(stanza);
				profiles.announced(stanza);
			}
			if (stanza.attrs.type === "error") bounces.failed(stanza);
			else if (receipt !== undefined && !child(stanza, "body")) received(receipt, stanza.attrs.from ?? "");
			// Chat states and receipts get no answer.
			else if (!queues.add(stanza) && child(stanza, "body"))
				void deps.answer(errorReply(stanza, "wait", "resource-constraint", phrases.xmppCrowded));
			return undefined;
		},
		/** Takes a presence of an account to a ghost. */
		present(presence): void {
			clients.present(presence);
			profiles.present(presence);
		},
		settled: queues.settled,
		online() {
			contacts.online();
			void guard.run("receipts of the last link", signals.online);
		},
		offline: contacts.offline,
		stop: contacts.stop,
	} satisfies Conversation & Readonly<{ present(presence: Element): void }>;
}
