import type { Person } from "../core/event.ts";
import type { Log } from "../core/log.ts";
import type { clients } from "./clients.ts";
import type { Component } from "./component.ts";
import type { direct } from "./direct.ts";
import { answerInvite } from "./invite.ts";
import { answerIq } from "./iq.ts";
import { bare } from "./jid.ts";
import type { joined } from "./joined/index.ts";
import { answerPresence } from "./presence.ts";
import { errorReply } from "./stanza-error.ts";
import type { Element } from "./xml.ts";

/**
 * Hands each stanza but the answers to our own questions to whom it is for. Whatever needs an answer gets one; nothing a
 * stranger sends throws.
 */
export function routing(deps: {
	link: Pick<Component, "send">;
	rooms: ReturnType<typeof joined>;
	chats: ReturnType<typeof direct>;
	clients: ReturnType<typeof clients>;
	/** Whom the ghost at a JID stands for. */
	who(ghost: string): Promise<Person | undefined>;
	/** What we say we are. */
	software: Readonly<{ name: string; version: string }>;
	resource: string;
	log: Log;
}): (element: Element) => void {
	const { link, rooms, chats, clients, who, software, resource, log } = deps;

	function send(...answers: readonly (Element | undefined)[]): void {
		for (const answer of answers)
			if (answer) link.send(answer).catch((error: unknown) => log.debug({ err: error }, "answer not sent"));
	}

	/** Everybody an IQ can be about: people's ghosts, and our listeners. */
	async function ghost(jid: string) {
		if (rooms.isListener(jid)) return { name: software.name };
		const person = await who(jid);
		return person && { name: person.name ?? person.address[0] ?? "" };
	}

	function route(element: Element): void {
		const { from = "", to = "", type } = element.attrs;
		const room = rooms.has(bare(from));
		switch (element.name) {
			case "iq":
				void answerIq(element, { software, ghost, log }).then((answer) => send(answer));
				return;
			case "presence":
				if (room || type === "error") {
					send(rooms.stanza(element));
					return;
				}
				clients.present(element);
				void answerPresence(element, resource, () => who(bare(to)))
					.then((answers) => send(...answers))
					.catch((error: unknown) => log.warn({ err: error }, "a presence could not be answered"));
				return;
			case "message": {
				const invite = answerInvite(element);
				if (invite) send(invite);
				else if (room) send(rooms.stanza(element));
				else if (type === "error") chats.failed(element);
				// A room we left long ago, or never were in: it is told, and takes us off its list (XEP-0045 §16.4).
				else if (type === "groupchat") send(errorReply(element, "cancel", "recipient-unavailable"));
				else chats.message(element);
			}
		}
	}

	return function take(element) {
		try {
			route(element);
		} catch (error) {
			log.error({ err: error, kind: element.name }, "a stanza could not be handled");
			if (element.name !== "presence" && element.attrs.type !== "error" && element.attrs.type !== "result")
				send(errorReply(element, "wait", "internal-server-error"));
		}
	};
}
