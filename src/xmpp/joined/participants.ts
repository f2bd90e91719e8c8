import type { Person } from "../../core/person.ts";
import { occupantIdOf } from "../from-xmpp.ts";
import { bare, resource } from "../jid.ts";
import type { Participants, ReadContext } from "../message/feature.ts";
import { isIn } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** Returns whether the MUC gives messages its own ids: stanza-ids that its archive knows. */
export const hasIds = ({ features }: Room) => features.stanzaIds && features.archive;

/** Returns the lookup of people, nicks and occupant-ids of a MUC, for the translators. */
export function participantsOf(room: Room): Participants {
	const ours = () => [...room.ours.byJid.values()];
	return {
		muc: room.jid,
		named: hasIds(room) ? "sid" : "msg",
		at(jid) {
			if (bare(jid) !== room.jid) return ours().find((one) => bare(one.jid) === bare(jid))?.person;
			const nick = resource(jid) ?? "";
			return room.ours.byNick.get(nick)?.person ?? room.roster.others.get(nick)?.person;
		},
		known: (occupantId) =>
			ours().find((one) => one.occupantId === occupantId)?.person ??
			[...room.roster.others.values()].find(({ person }) => occupantIdOf(person, room.jid) === occupantId)
				?.person,
		of(person) {
			const [nick, occupantId] = found(room, person);
			return {
				...(nick !== undefined && { nick, jid: `${room.jid}/${nick}` }),
				...(occupantId !== undefined && { occupantId }),
			};
		},
	};
}

function found(
	room: Room,
	{ network, id }: Person,
): readonly [nick?: string, occupantId?: string | undefined] {
	for (const ours of room.ours.byJid.values())
		if (ours.person?.network === network && ours.person.id === id && isIn(ours))
			return [ours.nick, ours.occupantId];
	for (const [nick, { person }] of room.roster.others)
		if (person.network === network && person.id === id) return [nick, occupantIdOf(person, room.jid)];
	return [];
}

/** Returns the context of a line that `sender` says; without a sender the MUC itself speaks. */
export function readContext(room: Room, sender: Person | undefined, nick: string | undefined): ReadContext {
	const author = sender && authorOf(room, sender, nick);
	return {
		...participantsOf(room),
		...(author !== undefined && { author }),
		...(!sender && { room: true }),
		opens: (thread) => !room.threads.has(thread),
	};
}

/**
 * Returns the key of the author who may change a line: the occupant-id, or else the nick in one stay, as somebody else
 * may take the nick after it.
 */
function authorOf(room: Room, sender: Person, nick: string | undefined): string | undefined {
	if (occupantIdOf(sender, room.jid) !== undefined) return sender.id;
	const session = nick === undefined ? undefined : room.roster.others.get(nick)?.session;
	return session === undefined ? undefined : `${sender.id} ${session}`;
}
