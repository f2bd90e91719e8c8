import { PermanentError } from "../../core/errors.ts";
import type { Deed, Moderation } from "../../core/event.ts";
import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { bare } from "../jid.ts";
import { type AdminItem, adminRequest } from "../muc/admin.ts";
import * as phrases from "../phrases.ts";
import { asModerator } from "./as-moderator.ts";
import type { Context } from "./context.ts";
import { jidOfOutcast } from "./outcasts.ts";
import type { OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/**
 * Has the MUC do to its people what a moderator of another network did to their ghosts (XEP-0045 §8 and §9).
 * @throws PermanentError if neither the moderator's own occupant nor the listener has the right.
 */
export async function carryOut(
	room: Room,
	ours: OwnOccupant,
	event: Moderation,
	context: Context,
): Promise<void> {
	let refused: PermanentError | undefined;
	for (const deed of [event, ...(event.also ?? [])])
		try {
			await carryOutOne(room, ours, deed, event.reason, context);
		} catch (error) {
			// The MUC may allow for the next person an act that it refuses for this one.
			if (!(error instanceof PermanentError)) throw error;
			refused ??= error;
		}
	if (refused) throw refused;
}

async function carryOutOne(
	room: Room,
	ours: OwnOccupant,
	{ act, whom }: Deed,
	reason: string | undefined,
	context: Context,
): Promise<void> {
	if (whom.network !== xmppNetwork) return;
	const item = itemOf(room, act, whom, await realOf(room, whom, context));
	// Somebody who is out needs no kick, and gets their role anew with the next join.
	if (!item) return;
	const done = await asModerator(room, ours, (from) => adminRequest(from, room.jid, item, reason), context);
	if (done === "forbidden") throw new PermanentError("forbidden", phrases.mucNoActs[act](room.jid));
	if (done === "gone" && act === "ban") throw new PermanentError("not-found", phrases.mucNoAddress);
}

/** Returns the item for an act; undefined for somebody who is out already. @throws PermanentError where the JID is needed, and hidden. */
function itemOf(
	room: Room,
	act: Moderation["act"],
	whom: Person,
	jid: string | undefined,
): AdminItem | undefined {
	const nick = nickOf(room, whom);
	switch (act) {
		case "kick":
		case "mute":
		case "unmute":
			if (nick === undefined) return undefined;
			return { nick, role: act === "kick" ? "none" : act === "mute" ? "visitor" : "participant" };
		case "ban":
			// XEP-0045 §9.1 asks for the JID. Prosody and ejabberd take the nick of an occupant as well.
			if (jid !== undefined) return { jid, affiliation: "outcast" };
			if (nick !== undefined) return { nick, affiliation: "outcast" };
			throw new PermanentError("not-found", phrases.mucNoAddress);
		case "unban":
			if (jid !== undefined) return { jid, affiliation: "none" };
			throw new PermanentError("not-found", phrases.mucNoAddress);
		default:
			return act satisfies never;
	}
}

const nickOf = ({ roster }: Room, { id }: Person): string | undefined =>
	[...roster.others].find(([, { person }]) => person.id === id)?.[0];

/** Resolves with the real JID of an occupant, if the MUC shows it to the bridge, or showed it with the ban. */
async function realOf(room: Room, whom: Person, context: Context): Promise<string | undefined> {
	const { jid, roster } = room;
	const known = [...roster.others.values()].find(({ person }) => person.id === whom.id)?.person ?? whom;
	return known.handles.find((one) => bare(one) !== jid) ?? jidOfOutcast(room, whom, context);
}
