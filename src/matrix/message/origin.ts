import type { Copy, MessageId, NetworkName, RoomId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { type Content, table, text } from "../event.ts";

/**
 * The mark that what we send carries. `op` tells an event in doubt from one that never came; `from` says where it came
 * from, so that what is about it finds its target when our own memory of it is gone.
 */
export const mark = "trivium.bridge";

/** Characters of all ids that are told of one message, since its sender may have chosen some. */
const longest = 1_000;

export function origin({ operation, event }: Pick<Outbound, "operation" | "event">, part = ""): Content {
	const op = operation + part;
	if (event.kind !== "message" && event.kind !== "edit") return { [mark]: { op } };
	// Its own, how others name it, and how its author alone does: who wrote it is vouched for by whose event it is.
	const ids: MessageId[] = [];
	let left = longest - event.room.length;
	for (const id of [event.id, ...(event.aka ?? [])]) {
		if (id.length > left) continue;
		ids.push(id);
		left -= id.length;
	}
	const from = { network: event.sender.network, room: event.room, ids };
	return { [mark]: { op, ...(ids.length > 0 && { from }) } };
}

export const operationOf = (content: Content): string | undefined =>
	text(table(content[mark]).op) || undefined;

/** Where an event of ours came from. Whose it is has to be asked before: anybody can write this. */
export function copiesIn(content: Content): readonly Copy[] {
	const { network, room, ids } = table(table(content[mark]).from);
	if (!text(network) || !text(room) || !Array.isArray(ids)) return [];
	return ids
		.filter((id) => text(id) !== "")
		.map((id) => ({ network: network as NetworkName, room: room as RoomId, id: id as MessageId }));
}
