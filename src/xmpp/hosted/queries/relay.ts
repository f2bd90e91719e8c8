import { TemporaryError } from "../../../core/errors.ts";
import { bare } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import type { Component } from "../../stream/component.ts";
import { type Element, xml } from "../../stream/xml.ts";
import { shownSession } from "../presences.ts";
import type { Occupant } from "../room.ts";

/** IQs that wait for the answer of an occupant: of one asker, and together. */
const [mostOfOne, mostOfAll] = [50, 1_000];

/** The payloads that the server of a person answers, under the bare JID. */
const answeredByServer: ReadonlySet<string | undefined> = new Set([
	"vcard-temp",
	"urn:ietf:params:xml:ns:vcard-4.0",
	"http://jabber.org/protocol/pubsub",
]);

/**
 * Passes IQs from one occupant to another on XMPP. Both know each other under their nicks alone: the question comes from the
 * asker's nick under an id of ours, and its answer goes back under the asker's id.
 */
export function createRelay(link: Pick<Component, "iq">) {
	const waiting = new Map<string, number>();
	let all = 0;

	/** Resolves with the address to which a question to an occupant goes, and the address of the room that it sees there. */
	function target({ sessions, person }: Occupant, payload: Element): Readonly<{ to: string; room: string }> {
		const session = shownSession([...sessions.values()]);
		if (!session) throw new StanzaError("recipient-unavailable", "wait");
		const toServer = answeredByServer.has(payload.getNS());
		return { to: toServer ? bare(person.id) : session.jid, room: session.address };
	}

	/** Resolves with the payloads of the answer. @throws StanzaError, that of the other client or ours */
	return async function relay(
		{ attrs: { type, from = "" } }: Element,
		payload: Element,
		nick: string,
		occupant: Occupant,
	): Promise<readonly Element[]> {
		const { to, room } = target(occupant, payload);
		const mine = waiting.get(from) ?? 0;
		if (mine >= mostOfOne || all >= mostOfAll)
			throw new StanzaError("resource-constraint", "wait", phrases.xmppCrowded);
		waiting.set(from, mine + 1);
		all++;
		try {
			const answer = await link.iq(xml("iq", { type, from: `${room}/${nick}`, to }, payload));
			return answer.getChildElements();
		} catch (error) {
			if (!(error instanceof TemporaryError)) throw error;
			throw new StanzaError("remote-server-timeout", "wait", phrases.hostedNoAnswer);
		} finally {
			all--;
			const left = (waiting.get(from) ?? 1) - 1;
			if (left > 0) waiting.set(from, left);
			else waiting.delete(from);
		}
	};
}
export type Relay = ReturnType<typeof createRelay>;
