import { type BoundedMap, createBoundedMap } from "../../core/bounded-map.ts";
import { TemporaryError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { mucUser } from "../muc/status-codes.ts";
import { xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import type { Context } from "./context.ts";
import { isIn } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** The same is told to one person once in this time, ms: a flood of refused lines makes no flood of ours. */
const again = 60_000;

/**
 * Tells whoever is behind an event what is only for them (XEP-0045 §7.5); who has left is told nothing.
 * @throws TemporaryError while we are not there.
 */
export function createPrivateNotices(context: Context) {
	const told: BoundedMap<string, number> = createBoundedMap(1_000);

	return async (room: Room, event: BridgeEvent, text: string): Promise<void> => {
		const { id } = event.sender;
		// Only as ourselves: whose ghost hears for us did not say it.
		if (room.listening.active !== room.listener) return;
		if (!isIn(room.listener)) throw new TemporaryError("not in the room");
		// What a moderator had the room do is told by the room.
		const done = event.kind === "redaction" ? event.by : undefined;
		const nick = done ?? [...room.roster.others].find(([, { person }]) => person.id === id)?.[0];
		if (nick === undefined) return;
		const { at, unique } = context.now();
		const key = JSON.stringify([room.jid, done ?? id, text]);
		if (at - (told.get(key) ?? 0) < again) return;
		told.set(key, at);
		// XEP-0045 §7.5: tells a private message in a room from one between accounts.
		const words = { body: text, parts: [xml("x", { xmlns: mucUser })] };
		try {
			await context.link.send(to.chat(room.listener.jid, `${room.jid}/${nick}`, unique(), words));
		} catch (error) {
			told.delete(key);
			throw error;
		}
	};
}
