import { PermanentError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { type Guard, outboundItem } from "../../core/guard.ts";
import type { MessageId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { domain } from "../jid.ts";
import type { Sayable } from "../message/feature.ts";
import { messageId, speakerIn, spokenBy } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import type { Component } from "../stream/component.ts";
import * as to from "../to-xmpp.ts";
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
	open: OpenLines;
	guard: Guard;
}) {
	const { link, contact, open, guard } = deps;
	/** The name that the ghost last gave itself in a pair. */
	const named = createMemory<string>((name) => [name]);

	async function write(out: Outbound): Promise<readonly MessageId[]> {
		const { event, operation, room, refs, shown, reactions } = out;
		if (!isSayable(event)) return [];
		const [theirs, ghost] = pairOf(room);
		const about = event.kind === "redaction" ? refs[event.target.id] : undefined;
		if (about && speakerIn(about) === undefined) throw new PermanentError("forbidden", phrases.notYours);
		const place = participantsOf(theirs, ghost, event.sender);
		const where = { ...place, refs, shown, reactions, component: domain(ghost) };
		const said = guard.handle(outboundItem(out), () => to.draft(event, where));
		if (said.body === undefined && said.parts.length === 0) return [];
		const name = event.sender.name ?? event.sender.address[0] ?? "";
		const known = named.get(room) === name;
		const refused = open.begin(operation, room);
		const from = `${ghost}/${deps.resource}`;
		await link.send(to.chat(from, theirs, operation, said, known ? undefined : name));
		await Promise.race([deps.confirm(), refused]);
		if (!contact.isReached(room)) await Promise.race([contact.silence(room), refused]);
		named.set(room, name);
		contact.reach(room);
		open.confirm(operation, room);
		const id = messageId("msg", operation);
		if (event.kind === "message") return [id, spokenBy(operation, ghost)];
		return event.kind === "edit" ? [id] : [];
	}

	return (out: Outbound): Promise<readonly MessageId[]> => contact.inTurn(out.room, () => write(out));
}
