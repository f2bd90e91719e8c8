import type { Edit, Redaction } from "../../core/event.ts";
import type { MessageId, OperationId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { changing, partsIn, speakerIn } from "../message-ids.ts";
import * as to from "../to-xmpp.ts";
import type { Context } from "./context.ts";
import { moderate } from "./moderate.ts";
import { say } from "./outbox.ts";
import { isIn, type OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** Edits and deletions of earlier lines, which the occupant of the original has to send. */

/** Sends an edit as the occupant that sent the original, which alone may change it. */
export async function edit(
	room: Room,
	ours: OwnOccupant,
	out: Outbound,
	event: Edit,
	context: Context,
): Promise<readonly MessageId[]> {
	const ids = out.refs[event.target.own ?? event.target.id];
	const relayed = speakerIn(ids) === room.listener.jid;
	// A file becomes a mere link: its body would be more than the address.
	const { rich: _, media: _file, ...words } = event;
	const said = relayed ? { ...words, style: "text" as const, text: to.relayedLine(event, ours.name) } : event;
	return changing(await say(room, relayed ? room.listener : ours, out, said, context));
}

/** Sends a deletion as the occupant of the original, even if somebody else asks for it; else has a moderator delete it. */
export async function redact(
	room: Room,
	ours: OwnOccupant,
	out: Outbound,
	event: Redaction,
	context: Context,
): Promise<void> {
	const ids = out.refs[event.target.id] ?? [];
	const author = room.ours.byJid.get(speakerIn(ids) ?? "");
	if (author !== ours && !(author && isIn(author))) return moderate(room, ours, event, ids, context);
	// A file and its caption are two messages in a MUC.
	for (const [index, part] of partsIn(ids).entries()) {
		const operation = (index === 0 ? out.operation : `${out.operation}.${index}`) as OperationId;
		await say(room, author, { ...out, operation, refs: { [event.target.id]: part } }, event, context);
	}
}
