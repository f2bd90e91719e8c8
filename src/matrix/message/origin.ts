import type { Copy, MessageId, NetworkName, RoomId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { marksIn } from "../../core/passed-rooms.ts";
import { asObject, type Content, type MatrixEvent, text } from "../event.ts";

/**
 * The field that marks each event the bridge sends. By its operation id, `op`, a retry finds out whether an event in
 * doubt arrived; `from` holds the event's ids on its own network, so that replies, edits and reactions find their
 * target after the journal has forgotten it, and a network that shows the whole room knows its own
 * events again. `passed` names the rooms that the event came through, for other bridges.
 */
export const mark = "trivium.bridge";

/** Most characters of all ids in one mark, since the sender of a message may have chosen some of them. */
const longest = 1_000;

/** Returns the mark of an event. `part` distinguishes the events that one delivery consists of. */
export function origin(
	{ operation, event, passed }: Pick<Outbound, "operation" | "event" | "passed">,
	part = "",
): Content {
	const op = operation + part;
	// The event's id and its further ones, the author's own among them: the event's sender vouches for the author.
	const ids: MessageId[] = [];
	let left = longest - event.room.length;
	for (const id of [event.id, ...(event.aka ?? [])]) {
		if (id.length > left) continue;
		ids.push(id);
		left -= id.length;
	}
	const from = { network: event.sender.network, room: event.room, ids };
	return { [mark]: { op, passed, ...(ids.length > 0 && { from }) } };
}

export const operationOf = (content: Content): string | undefined =>
	text(asObject(content[mark]).op) || undefined;

/**
 * Returns the rooms that an event passed in other bridges. Only an account of an application service may name them, whose
 * localpart begins with `_` by custom: a person could hide a message from the other side of a room by this field.
 */
export function passedIn({ sender, content }: Pick<MatrixEvent, "sender" | "content">): readonly string[] {
	const { passed } = asObject(content[mark]);
	return sender.startsWith("@_") && Array.isArray(passed) ? marksIn(passed) : [];
}

/**
 * Returns the ids of the event that an event of ours is a copy of. The caller must check that a ghost sent the event:
 * anybody can write this mark.
 */
export function copiesIn(content: Content): readonly Copy[] {
	const { network, room, ids } = asObject(asObject(content[mark]).from);
	if (!text(network) || !text(room) || !Array.isArray(ids)) return [];
	return ids
		.filter((id) => text(id) !== "")
		.map((id) => ({ network: network as NetworkName, room: room as RoomId, id: id as MessageId }));
}
