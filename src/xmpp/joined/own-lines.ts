import type { OperationId } from "../../core/ids.ts";
import { originId, stanzaId } from "../from-xmpp.ts";
import { resource } from "../jid.ts";
import type { Element } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import type { Room } from "./room.ts";
import { operationOf } from "./signed-ids.ts";

/**
 * Confirms a line if it is one of ours; with `old`, the line comes from the archive or the history, and only its signed
 * id shows that. Returns false for the lines of others.
 */
export function confirmOwnLine(room: Room, stanza: Element, old: boolean, context: Context): boolean {
	const nick = resource(stanza.attrs.from ?? "");
	const operation = nick === undefined ? undefined : operationIn(room, stanza, nick, old, context);
	if (operation === undefined) return false;
	const known = stanzaId(stanza, room.jid, room.features.stanzaIds);
	const by = nick ? room.ours.byNick.get(nick) : undefined;
	context.confirmations.confirm({ operation, id: stanza.attrs.id, known, by });
	return true;
}

function operationIn(
	room: Room,
	stanza: Element,
	nick: string,
	old: boolean,
	context: Context,
): OperationId | undefined {
	const ids = [stanza.attrs.id, originId(stanza)].filter((id) => id !== undefined);
	for (const id of ids) {
		const operation = context.signedIds().operation(id, room.jid, nick);
		if (operation) return operation;
	}
	// The occupant was renamed since it sent the line, so the signature names another nick than the MUC shows.
	return !old && room.ours.byNick.has(nick) ? operationOf(ids[0] ?? "") : undefined;
}
