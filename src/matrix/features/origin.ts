import type { MessageId, NetworkName, RoomId } from "../../core/ids.ts";
import type { Copy } from "../../core/journal.ts";
import type { Outbound } from "../../core/network.ts";
import { type Content, table, text } from "../event.ts";

/**
 * The mark that what we send carries. `op` tells an event in doubt from one that never came; `from` says where it came
 * from, so that what is about it finds its target when our own memory of it is gone.
 */
export const mark = "trivium.bridge";

/**
 * Ids of one message that are told: its own and the next, since those that follow say who wrote it, which here proves
 * nothing. And characters of all of them, since its sender may have chosen some.
 */
const [most, longest] = [2, 1_000];

export function origin({ operation, event }: Pick<Outbound, "operation" | "event">, part = ""): Content {
	const { network } = event.sender;
	const ids = [event.id, ...(event.aka ?? [])].slice(0, most);
	const from = { network, room: event.room, ids };
	const told = event.kind === "message" && JSON.stringify(from).length <= longest;
	return { [mark]: { op: operation + part, ...(told && { from }) } };
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
