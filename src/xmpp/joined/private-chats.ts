import { PermanentError } from "../../core/errors.ts";
import type { Person } from "../../core/person.ts";
import { occupantIdIn } from "../from-xmpp.ts";
import { resource } from "../jid.ts";
import * as phrases from "../phrases.ts";
import type { Venue } from "../private/venue.ts";
import { errorReply } from "../stanza-error.ts";
import { child, type Element } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import { isIn, type OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { speaker } from "./roster.ts";
import { selfPing } from "./self-ping.ts";
import { chooseSpeaker } from "./speaker.ts";

/** Private messages in MUCs of others (XEP-0045 §7.5). */

/** Returns an occupant as private chats know them: a person who can be written to in this MUC alone. */
export const metIn = (room: Room, person: Person): Person => ({
	...person,
	within: room.features.name || room.jid,
});

/** Takes a message that a MUC brings to one occupant of ours. Returns the error that answers it, if one is due. */
export function takePrivate(
	room: Room,
	ours: OwnOccupant | undefined,
	stanza: Element,
	context: Context,
): Element | undefined {
	const nick = resource(stanza.attrs.from ?? "");
	if (ours?.person && nick !== undefined) {
		const sender = metIn(room, speaker(room, nick, occupantIdIn(stanza)));
		return context.privately({ stanza, muc: room.jid, sender, to: ours.person });
	}
	// XEP-0045 §16.4: for most of the other conditions a MUC puts out the occupant that answers with them.
	return (
		child(stanza, "body") && errorReply(stanza, "cancel", "feature-not-implemented", phrases.xmppNoPrivate)
	);
}

/** As {@link Venue.write}, for the own occupant `ours`. */
export async function writePrivate(
	room: Room,
	ours: OwnOccupant | undefined,
	person: string,
	make: Parameters<Venue["write"]>[2],
	context: Context,
): Promise<void> {
	const outside = () => new PermanentError("forbidden", phrases.privateOutside(room.jid));
	if (!ours?.wanted) throw outside();
	// The listener must not write what only the two people are to read.
	if ((await chooseSpeaker(room, ours, context)) !== ours) throw outside();
	const nick = nickOf(room, person);
	if (nick === undefined) throw new PermanentError("not-found", phrases.privateGone(room.jid));
	await context.link.send(make(ours.jid, `${room.jid}/${nick}`));
	// The MUC answers in order, so its error for the message comes before the answer to the ping.
	await selfPing(room, ours, context);
}

/** As {@link Venue.show}, for the own occupant `ours`. An occupant that is not in the MUC joins for a line alone. */
export async function showPrivate(
	room: Room,
	ours: OwnOccupant | undefined,
	person: string,
	make: Parameters<Venue["write"]>[2],
	{ link }: Context,
): Promise<void> {
	const nick = nickOf(room, person);
	if (ours && isIn(ours) && nick !== undefined) await link.send(make(ours.jid, `${room.jid}/${nick}`));
}

/** Returns the present nick of a person; undefined if they are not in the MUC. */
export const nickOf = (room: Room, person: string): string | undefined =>
	[...room.roster.others].find(([, other]) => other.person.id === person)?.[0];
