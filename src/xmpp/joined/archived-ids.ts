import { TemporaryError } from "../../core/errors.ts";
import type { MessageId, OperationId } from "../../core/ids.ts";
import type { Delivery } from "../../core/network.ts";
import { wholeOf } from "../attachments.ts";
import { stanzaId } from "../from-xmpp.ts";
import { resource } from "../jid.ts";
import { messageId, spokenBy } from "../message-ids.ts";
import { isRefusal } from "../muc/archive.ts";
import type { Context } from "./context.ts";
import { isIn } from "./own-occupants.ts";
import { archiveOf, type Room, readable } from "./room.ts";

/** Pages of the archive that are read, the newest first. */
const pages = 5;

type Ids = readonly MessageId[];
type Line = Readonly<{ part: OperationId; ids: Ids; nick: string }>;

/**
 * Returns the ids that lines of ours have in a MUC, for each delivery of an occupant at `jid`: as the archive has them,
 * else the id that the line got if its occupant had the nick that it has now. @throws TemporaryError
 */
export async function findArchivedIds(
	room: Room,
	all: readonly (Delivery & { jid: string })[],
	context: Context,
): Promise<readonly Ids[]> {
	const lines = await archived(room, context);
	const { listener } = room;
	return all.map(({ operation, jid }) => {
		if (lines)
			return (lines.get(operation) ?? []).flatMap(({ part, ids, nick }) => [
				...ids,
				spokenBy(part, nick === listener.nick ? listener.jid : jid),
			]);
		const ours = room.ours.byJid.get(jid);
		if (!ours || !isIn(ours)) return [];
		const id = context.signedIds().of(operation, room.jid, ours.nick);
		return [messageId("msg", id), spokenBy(operation, jid)];
	});
}

/**
 * Returns our own lines in the archive of a MUC by the delivery that they were sent for, the oldest first. Returns
 * undefined if the MUC has no archive for us. @throws TemporaryError
 */
async function archived(
	room: Room,
	context: Context,
): Promise<ReadonlyMap<OperationId, readonly Line[]> | undefined> {
	if (!readable(room)) return undefined;
	const found = new Map<OperationId, Line[]>();
	try {
		for await (const page of context.archive.backwards(() => archiveOf(room), pages))
			for (const stanza of page.lines.toReversed()) {
				const { id = "", from = "" } = stanza.attrs;
				const nick = resource(from) ?? "";
				const part = context.signedIds().operation(id, room.jid, nick);
				const known = stanzaId(stanza, room.jid, true);
				if (part === undefined || known === undefined) continue;
				const lines = found.get(wholeOf(part)) ?? [];
				lines.unshift({ part, ids: [messageId("sid", known), messageId("msg", id)], nick });
				found.set(wholeOf(part), lines);
			}
		return found;
	} catch (error) {
		if (isRefusal(error)) return undefined;
		throw new TemporaryError("the archive does not answer", { cause: error });
	}
}
