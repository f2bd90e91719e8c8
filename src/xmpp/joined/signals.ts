import type { RoomId } from "../../core/ids.ts";
import type { Signal, SignalOut } from "../../core/signal.ts";
import { resource } from "../jid.ts";
import { delayedBy } from "../message/delay.ts";
import { rename } from "../muc/presence.ts";
import { payloadsOf, signalsIn } from "../signals.ts";
import { type Element, xml } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import { shown } from "./faces.ts";
import { isIn, type OwnOccupant, setAvailability } from "./own-occupants.ts";
import { hasIds } from "./participants.ts";
import type { Room } from "./room.ts";
import { inTurn } from "./send-queue.ts";

/** Typing and read positions in MUCs, both ways, and the presence of people who have one in rooms. */

const namedIn = (room: Room) => (hasIds(room) ? "sid" : "msg");

/** Returns whether the MUC is small enough for read positions: they say who of all people has read what. */
const isSmall = ({ roster, ours }: Room, { readReceipts }: Context): boolean =>
	roster.others.size + ours.byNick.size <= readReceipts;

/** Returns whether lines to the MUC ask for read positions. */
export const wantsMarkers = (room: Room, context: Context): boolean => isSmall(room, context);

/** Takes what passes with a message of the MUC, in the active listener's copy. */
export function takeSignals(room: Room, stanza: Element, context: Context): void {
	const nick = resource(stanza.attrs.from ?? "");
	// Our own occupants, which are none of the others, show what other networks know already.
	const sender = nick === undefined ? undefined : room.roster.others.get(nick)?.person;
	const old = room.listening.inHistory || delayedBy(stanza, room.jid) !== undefined;
	if (!sender || old) return;
	for (const signal of signalsIn(stanza, { room: room.jid as RoomId, sender, named: namedIn(room) }))
		context.signal(signal);
}

/** Returns true for a MUC where somebody may see signals of this kind. */
export function hearsSignals(room: Room, kind: Signal["kind"], context: Context): boolean {
	// The occupant keeps its presence for those who come later.
	if (kind === "presence") return true;
	if (room.roster.others.size === 0) return false;
	return kind === "typing" || (kind === "read" && isSmall(room, context));
}

/** Shows a signal as the occupant of its person. One whom the listener relays shows none. */
export async function showSignal(
	room: Room,
	ours: OwnOccupant | undefined,
	out: SignalOut,
	context: Context,
): Promise<void> {
	const { signal } = out;
	if (ours && signal.kind === "presence") {
		setAvailability(ours, signal);
		await inTurn(room.sendQueue, async () => {
			if (isIn(ours)) await context.link.send(rename(shown(ours, room), room.jid, ours.nick));
		});
		return;
	}
	const payloads = ours && isIn(ours) ? payloadsOf(out, namedIn(room)) : undefined;
	if (payloads && ours)
		await context.link.send(xml("message", { type: "groupchat", from: ours.jid, to: room.jid }, payloads));
}
