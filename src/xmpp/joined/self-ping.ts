import { StanzaError } from "../stanza-error.ts";
import * as to from "../to-xmpp.ts";
import type { Context } from "./context.ts";
import { isIn, type OwnOccupant, putOut, setConfirmed } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** XEP-0410: asks the MUC whether it still has an occupant of ours, and notes the answer in the occupant's stay. */
export async function selfPing(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (!isIn(ours)) return;
	try {
		await context.link.iq(to.ping(ours.jid, `${room.jid}/${ours.nick}`));
		setConfirmed(ours, true);
	} catch (error) {
		// Without an answer nothing is known, and the next round asks again.
		if (error instanceof StanzaError && isOut(error)) putOut(room.ours, ours);
	}
}

// XEP-0410 §3.2: these say that the nick is there and merely cannot or will not answer a ping.
const present: ReadonlySet<string> = new Set([
	"service-unavailable",
	"feature-not-implemented",
	"item-not-found",
]);
const isOut = (error: StanzaError) =>
	!present.has(error.condition) && !error.condition.startsWith("remote-server-");
