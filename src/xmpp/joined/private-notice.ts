import { type BoundedMap, createBoundedMap } from "../../core/bounded-map.ts";
import { TemporaryError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { mucUser } from "../muc/status-codes.ts";
import { xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import type { Context } from "./context.ts";
import { isIn } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** Time, in ms, in which one person gets the same notice once: a flood of refused lines makes no flood of notices. */
const again = 60_000;

/**
 * Returns a function that sends the occupant behind an event a private message (XEP-0045 §7.5). An occupant that has left
 * gets none. @throws TemporaryError while the listener is not in the MUC.
 */
export function createPrivateNotices(context: Context) {
	const told: BoundedMap<string, number> = createBoundedMap(1_000);

	return async (room: Room, event: BridgeEvent, text: string): Promise<void> => {
		const { id } = event.sender;
		// The notice must not come from a ghost that is the active listener: its person did not say it.
		if (room.listening.active !== room.listener) return;
		if (!isIn(room.listener)) throw new TemporaryError("not in the room");
		// The MUC tells of a moderator's deletion itself; the notice is for the moderator.
		const done = event.kind === "redaction" ? event.by : undefined;
		const nick = done ?? [...room.roster.others].find(([, { person }]) => person.id === id)?.[0];
		if (nick === undefined) return;
		const { at, unique } = context.now();
		const key = JSON.stringify([room.jid, done ?? id, text]);
		if (at - (told.get(key) ?? 0) < again) return;
		told.set(key, at);
		// XEP-0045 §7.5: this element tells a private message of a MUC from one between accounts.
		const words = { body: text, parts: [xml("x", { xmlns: mucUser })] };
		try {
			await context.link.send(to.chat(room.listener.jid, `${room.jid}/${nick}`, unique(), words));
		} catch (error) {
			told.delete(key);
			throw error;
		}
	};
}
