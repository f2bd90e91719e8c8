import type { Message } from "../../core/event.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import { roomItself } from "../from-xmpp.ts";
import type { Now } from "./occupant-events.ts";
import type { Room } from "./room.ts";

/** Returns a notice for the portal about the MUC, in the name of the MUC itself. */
export const notice = (room: Room, text: string, now: Now): Message => ({
	kind: "message",
	style: "notice",
	id: `notice ${now.unique()}` as MessageId,
	room: room.jid as RoomId,
	sender: roomItself(room.jid, room.features.name),
	at: now.at,
	text,
});
