import type { Support } from "../../core/capabilities.ts";
import { PermanentError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { type Guard, outboundItem } from "../../core/guard.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import type { Taken } from "../../core/taken.ts";
import { domain } from "../jid.ts";
import { chatStatesNs, typing } from "../message/chat-states.ts";
import type { Sayable } from "../message/feature.ts";
import { markable, markersNs } from "../message/markers.ts";
import { receiptRequest, receiptsNs } from "../message/receipts.ts";
import { messageId, speakerIn, spokenBy } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import type { Component } from "../stream/component.ts";
import * as to from "../to-xmpp.ts";
import type { EarlierContact } from "./earlier-contact.ts";
import type { FirstContact } from "./first-contact.ts";
import { createMemory } from "./memory.ts";
import type { OpenLines } from "./open-lines.ts";
import { pairOf, participantsOf } from "./pair.ts";

const isSayable = (event: BridgeEvent): event is Sayable =>
	["message", "edit", "redaction", "reaction"].includes(event.kind);

/** Sends lines of ghosts to accounts. */
export function createOutgoing(deps: {
	link: Pick<Component, "send">;
	/** Resolves when the XMPP server has taken all that was sent. */
	confirm(): Promise<void>;
	resource: string;
	contact: FirstContact;
	earlier: EarlierContact;
	open: OpenLines;
	/** Returns how many of the account's clients know a feature. */
	support(account: string, ns: string): Support;
	/** The lines that the server has taken, which a kill of the bridge does not repeat. */
	taken: Taken;
	/** The person of the ghost of a chat has this name and picture. */
	met(room: RoomId, person: Person): void;
	guard: Guard;
}) {
	const { link, contact, earlier, open, taken, guard } = deps;
	/** The name that the ghost last gave itself in a pair. */
	const given = createMemory<string>((name) => [name]);

	async function write(out: Outbound): Promise<readonly MessageId[]> {
		const { event, operation, passed, room, refs, shown, reactions } = out;
		deps.met(room, event.sender);
		// A new name goes with the next line (XEP-0172), a new picture with the presence.
		if (!isSayable(event)) return [];
		const there = taken.get(operation);
		if (there) return there;
		const [theirs, ghost] = pairOf(room);
		const about = event.kind === "redaction" ? refs[event.target.id] : undefined;
		if (about && speakerIn(about) === undefined) throw new PermanentError("forbidden", phrases.notYours);
		const place = participantsOf(theirs, ghost, event.sender);
		const where = { ...place, refs, shown, reactions, passed, component: domain(ghost) };
		const said = guard.handle(outboundItem(out), () => to.draft(event, where));
		if (said.body === undefined && said.parts.length === 0) return [];
		const name = event.sender.name ?? event.sender.address[0] ?? "";
		const known = given.get(room) === name;
		const reachedBefore = contact.isReached(room) || (await earlier.had(room));
		const knows = (ns: string) => said.body !== undefined && deps.support(theirs, ns) !== "text";
		const refused = open.begin(operation, room);
		refused.catch(() => taken.delete(operation));
		const from = `${ghost}/${deps.resource}`;
		const stanza = to.chat(from, theirs, operation, said, known ? undefined : name);
		// The receipt tells the sender that the line arrived; that of the first line also ends the wait for an error.
		if (knows(receiptsNs)) stanza.append(receiptRequest());
		if (knows(markersNs)) stanza.append(markable());
		if (knows(chatStatesNs)) stanza.append(typing(false));
		const id = messageId("msg", operation);
		const ids =
			event.kind === "message" ? [id, spokenBy(operation, ghost)] : event.kind === "edit" ? [id] : [];
		await link.send(stanza);
		await Promise.race([deps.confirm(), refused]);
		if (reachedBefore) taken.set(operation, ids);
		if (!contact.isReached(room)) await Promise.race([contact.silence(room), refused]);
		if (!reachedBefore) taken.set(operation, ids);
		given.set(room, name);
		contact.reach(room);
		earlier.note(room, true);
		open.confirm(operation, room);
		return ids;
	}

	return (out: Outbound): Promise<readonly MessageId[]> => contact.inTurn(out.room, () => write(out));
}
