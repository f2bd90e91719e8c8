import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Bridge } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import type { SignalOut } from "../../core/signal.ts";
import { mucUser } from "../muc/status-codes.ts";
import { isOfGhost, payloadsOf, signalsIn } from "../signals.ts";
import { xml } from "../stream/xml.ts";
import type { Place } from "./place.ts";
import type { Venue, Whisper } from "./venue.ts";

/** Chats in which a line was written in this run, and their bytes. */
const [most, mostBytes] = [10_000, 1_048_576];

/** Typing and read positions in private chats, both ways. */
export function createPrivateSignals(deps: {
	bridge(): Pick<Bridge, "signal">;
	/** Returns the kind of MUCs that a place is in; undefined while the bridge serves no such MUC. */
	venue(place: Place): Venue | undefined;
	/** Resolves with the person of XMPP in a chat; undefined where another person may have that nick by now. */
	partner(room: RoomId, place: Place): Promise<Person | undefined>;
}) {
	const begun = createBoundedMap<RoomId, true>(most, {
		bytes: mostBytes,
		of: (room) => textBytes(room) + 100,
	});

	return {
		/** Notes that a line was written in a chat, by either side. */
		wrote: (room: RoomId): void => begun.set(room, true),
		/** Takes the signals in a private message. */
		take(room: RoomId, { stanza, sender }: Whisper): void {
			for (const signal of signalsIn(stanza, { room, sender, named: "msg" })) deps.bridge().signal(signal);
		},
		/** Shows a signal to the occupant of the other person. Typing before the first line would tell that a chat was opened, so it is hidden. */
		async show(out: SignalOut, place: Place): Promise<void> {
			const payloads = payloadsOf(out, "msg");
			const { room, signal } = out;
			if (!payloads || isOfGhost(out) || (signal.kind === "typing" && !begun.has(room))) return;
			if (!(await deps.partner(room, place))) return;
			await deps.venue(place)?.show(place, signal.sender, (from, to) =>
				// XEP-0045 §7.5: this element tells a private message of a MUC from one between accounts.
				xml("message", { type: "chat", from, to }, payloads, xml("x", { xmlns: mucUser })),
			);
		},
	};
}
