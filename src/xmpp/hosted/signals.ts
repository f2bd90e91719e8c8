import { personKey } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Signal, SignalOut } from "../../core/signal.ts";
import { payloadsOf, signalsIn } from "../signals.ts";
import { type Element, xml } from "../stream/xml.ts";
import { announce } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import type { Place } from "./lines/line.ts";
import { idsIn, partId, toSource } from "./lines/references.ts";
import { reveal } from "./reveal.ts";
import { type HostedRoom, type Joined, occupantOf } from "./room.ts";

/**
 * Typing, read positions and presences in hosted rooms, both ways. The people of
 * XMPP see those of each other by their own stanzas.
 */

/** Returns whether the room is small enough for read positions: they say who of all people has read what. */
export const isSmall = (
	{ people }: HostedRoom,
	{ readReceipts }: Pick<HostedContext, "readReceipts">,
): boolean => people.size <= readReceipts;

/** Takes what passes with a message of a session. */
export function takeSignals({ room, occupant }: Joined, stanza: Element, context: HostedContext): void {
	const source = { network: context.of, room: room.source };
	for (const signal of signalsIn(stanza, { room: room.id, sender: occupant.person, named: "sid" }))
		context
			.bridge()
			.signal("target" in signal ? { ...signal, target: toSource(signal.target, source) } : signal);
}

/** Shows the signals of a source to the sessions of its view. */
export function createSourceSignals(
	context: HostedContext,
	lines: Readonly<{ place(room: HostedRoom, address: string): Pick<Place, "lengthOf"> }>,
) {
	const { rooms, out: broadcast } = context;

	function show(out: SignalOut): void {
		const { signal } = out;
		const room = rooms.get(out.room);
		const occupant = room && occupantOf(room, signal.sender);
		if (signal.kind === "presence") context.availability.set(personKey(signal.sender), signal);
		if (!room || !occupant) return;
		if (signal.kind === "presence") {
			// The presence of a member who is not shown yet is shown with them.
			if (!room.hidden.has(occupant)) announce(room, occupant, context);
			return;
		}
		const [id] = out.ids.slice(-1);
		const count = id === undefined ? 1 : lines.place(room, room.id).lengthOf(id);
		const ids = id === undefined ? [] : idsIn(partId(id, count - 1));
		const payloads = payloadsOf({ ...out, ids }, "sid");
		if (!payloads) return;
		// The end of typing that no client has seen reveals nobody.
		if (room.hidden.has(occupant) && signal.kind === "typing" && !signal.active) return;
		reveal(room, occupant, context);
		const occupantId = xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: occupant.id });
		// A session that waits for its history has no use for what is over by then.
		const sessions = [...room.sessions.values()].filter(({ held }) => !held);
		broadcast.send(sessions, (address) =>
			xml("message", { type: "groupchat", from: `${address}/${occupant.nick}` }, payloads, occupantId),
		);
	}

	return {
		show,
		/** Returns true for a room where somebody may see signals of this kind. */
		hears(kind: Signal["kind"], id: RoomId): boolean {
			// Sessions that come later see it, too.
			if (kind === "presence") return true;
			const room = rooms.get(id);
			if (!room || room.sessions.size === 0) return false;
			return kind === "typing" || (kind === "read" && isSmall(room, context));
		},
	};
}
