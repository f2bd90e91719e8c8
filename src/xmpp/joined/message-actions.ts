import type { BridgeEvent, Edit, Redaction } from "../../core/event.ts";
import type { MessageId, OperationId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import type { Sayable } from "../message/feature.ts";
import { changing, partsIn, pick, speakerIn } from "../message-ids.ts";
import * as to from "../to-xmpp.ts";
import type { Context } from "./context.ts";
import { moderate } from "./moderate.ts";
import type { createOutbox } from "./outbox.ts";
import type { OwnOccupant, Room } from "./room.ts";

/** What is done to messages of a room that were said before. */
export function createMessageActions(context: Context, speak: Pick<ReturnType<typeof createOutbox>, "say">) {
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
		return changing(await speak.say(room, relayed ? room.listener : ours, out, said));
	}

	/** As who wrote it, whoever of the other side takes it back; else as a moderator. */
	async function takeBack(room: Room, ours: OwnOccupant, out: Outbound, event: Redaction): Promise<void> {
		const ids = out.refs[event.target.id] ?? [];
		const author = room.ours.get(speakerIn(ids) ?? "");
		if (author !== ours && author?.state !== "in") return moderate(room, ours, event, ids, context);
		// A file and what was said of it are two messages here.
		for (const [index, part] of partsIn(ids).entries()) {
			const operation = (index === 0 ? out.operation : `${out.operation}.${index}`) as OperationId;
			await speak.say(room, author, { ...out, operation, refs: { [event.target.id]: part } }, event);
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
					await speak.say(room, ours, out, event);
					return [];
				case "message":
					return speak.say(room, ours, out, event);
				default:
					return event satisfies never;
			}
		},
	};
}

/** False for the room's telling us what we had it do. */
export const isNews = (room: Room, event: BridgeEvent): boolean =>
	event.kind !== "redaction" || !room.moderated.has(pick([event.target.id], "sid") ?? "");
