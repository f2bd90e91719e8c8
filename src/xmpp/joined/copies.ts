import type { Room } from "./room.ts";

/**
 * Returns whether a stanza from `nick` to our occupant at `to` is a copy of one that the active listener gets, too.
 * Called before the stanza's tree is built.
 */
export function isCopy(
	room: Room,
	to: string,
	nick: string,
	name: string,
	type: string | undefined,
): boolean {
	const ours = room.ours.byJid.get(to);
	if (!ours || ours === room.listening.active || type === "error") return false;
	if (name === "message") return type === "groupchat";
	if (name !== "presence" || nick === ours.nick) return false;
	if (ours.stay.state !== "joining") return true;
	// A nick that nobody had before may be this occupant's, changed by the MUC (XEP-0045 §7.2.3, status 210).
	return (
		(room.roster.others.get(nick)?.since ?? Number.POSITIVE_INFINITY) <= ours.stay.since ||
		room.ours.byNick.has(nick)
	);
}
