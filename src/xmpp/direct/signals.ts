import { TemporaryError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { isHashedId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge } from "../../core/network.ts";
import type { SignalOut } from "../../core/signal.ts";
import { account } from "../from-xmpp.ts";
import { domain, local } from "../jid.ts";
import { stanzaOf } from "../made-up-ids.ts";
import { chatStatesNs } from "../message/chat-states.ts";
import { heldSince } from "../message/delay.ts";
import { store } from "../message/hints.ts";
import { markersNs } from "../message/markers.ts";
import { receipt, receiptIn } from "../message/receipts.ts";
import { messageId } from "../message-ids.ts";
import { isOfGhost, payloadsOf, signalsIn } from "../signals.ts";
import type { Component } from "../stream/component.ts";
import { type Element, type Node, xml } from "../stream/xml.ts";
import type { ClientFeatures } from "./client-features.ts";
import type { EarlierContact } from "./earlier-contact.ts";
import type { FirstContact } from "./first-contact.ts";
import { createOwedReceipts } from "./owed-receipts.ts";
import { pairOf, pairRoom } from "./pair.ts";

/** Typing, read positions and receipts in chats of two, both ways. */
export function createDirectSignals(deps: {
	link: Pick<Component, "online" | "send">;
	bridge(): Pick<Bridge, "signal" | "cursors" | "saveCursor">;
	support: ClientFeatures["support"];
	contact: Pick<FirstContact, "isReached">;
	earlier: Pick<EarlierContact, "had">;
	/** Returns the client of an account that wrote last. */
	client(account: string): string | undefined;
	resource: string;
	log: Log;
}) {
	const { link, support, contact, earlier, resource } = deps;
	const owed = createOwedReceipts(deps.bridge, deps.log);

	const send = (room: string, to: string | undefined, payloads: readonly Node[]): Promise<void> => {
		const [theirs, ghost] = pairOf(room);
		const from = `${ghost}/${resource}`;
		return link.send(xml("message", { type: "chat", from, to: to ?? theirs }, payloads));
	};

	/** Confirms a message. @throws TemporaryError */
	const confirm = (room: string, id: string): Promise<void> =>
		send(room, deps.client(pairOf(room)[0]), [receipt(id), store()]);

	return {
		/** Takes what passes with a message of a client to a ghost. */
		take(stanza: Element): void {
			const { from = "", to = "" } = stanza.attrs;
			if (local(from) === undefined) return;
			const [room, sender] = [pairRoom(from, to), account(from)];
			const { signal } = deps.bridge();
			const held = heldSince(stanza, domain(to)) !== undefined;
			// Typing that a server has held back is over.
			for (const one of signalsIn(stanza, { room, sender, named: "msg" }))
				if (one.kind !== "typing" || !held) signal(one);
			const received = receiptIn(stanza);
			if (received) signal({ kind: "received", room, sender, target: { id: messageId("msg", received) } });
		},
		/** Shows a signal to an account that a line has reached: a stranger learns from no typing that a ghost exists. */
		async show(out: SignalOut): Promise<void> {
			const { signal, room } = out;
			const needs = signal.kind === "typing" ? chatStatesNs : markersNs;
			if (support(pairOf(room)[0], needs) === "text" || isOfGhost(out)) return;
			const payloads = payloadsOf(out, "msg");
			if (payloads && (contact.isReached(room) || (await earlier.had(room))))
				await send(room, undefined, payloads);
		},
		/** Confirms a message of the account (XEP-0184). */
		async confirm({ room, id: event }: BridgeEvent): Promise<void> {
			const id = stanzaOf(event);
			if (isHashedId(id)) return;
			try {
				await confirm(room, id);
			} catch (error) {
				if (!(error instanceof TemporaryError)) throw error;
				await owed.keep(room, id);
				// The link came back before the receipt was on disk.
				if (link.online) await owed.pay(confirm);
			}
		},
		/** Sends the receipts that were kept: the link is up. */
		online: (): Promise<void> => owed.pay(confirm),
	};
}
