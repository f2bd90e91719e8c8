import type { Edit, Redaction } from "../../core/event.ts";
import type { MessageId, OperationId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import type { Sayable } from "../message/feature.ts";
import { changing, partsIn, speakerIn } from "../message-ids.ts";
import * as to from "../to-xmpp.ts";
import type { Context } from "./context.ts";
import { moderate } from "./moderate.ts";
import { say } from "./outbox.ts";
import { isIn, type OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** What is done to messages of a room that were said before. */
export function createMessageActions(context: Context) {
	/** Only the occupant that spoke may change it. */
	async function edit(
		room: Room,
		ours: OwnOccupant,
		out: Outbound,
		event: Edit,
	): Promise<readonly MessageId[]> {
		const ids = out.refs[event.target.own ?? event.target.id];
		const relayed = speakerIn(ids) === room.listener.jid;
		// A file becomes a mere link: its body would be more than the address.
		const { rich: _, media: _file, ...words } = event;
		const said = relayed
			? { ...words, style: "text" as const, text: to.relayedLine(event, ours.name) }
			: event;
		return changing(await say(room, relayed ? room.listener : ours, out, said, context));
	}

	/** As who wrote it, whoever of the other side takes it back; else as a moderator. */
	async function takeBack(room: Room, ours: OwnOccupant, out: Outbound, event: Redaction): Promise<void> {
		const ids = out.refs[event.target.id] ?? [];
		const author = room.ours.byJid.get(speakerIn(ids) ?? "");
		if (author !== ours && !(author && isIn(author))) return moderate(room, ours, event, ids, context);
		// A file and what was said of it are two messages here.
		for (const [index, part] of partsIn(ids).entries()) {
			const operation = (index === 0 ? out.operation : `${out.operation}.${index}`) as OperationId;
			await say(room, author, { ...out, operation, refs: { [event.target.id]: part } }, event, context);
		}
	}

	return {
		async send(room: Room, ours: OwnOccupant, out: Outbound, event: Sayable): Promise<readonly MessageId[]> {
			switch (event.kind) {
				case "edit":
					return edit(room, ours, out, event);
				case "redaction":
					await takeBack(room, ours, out, event);
					return [];
				case "reaction":
					await say(room, ours, out, event, context);
					return [];
				case "message":
					return say(room, ours, out, event, context);
				default:
					return event satisfies never;
			}
		},
	};
}
