import type { Message } from "../../core/event.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import { account } from "../from-xmpp.ts";
import { pairOf } from "./pair.ts";

/** Returns the line that tells the person of the ghost in a chat of two what became of the account. Pure. */
export const noticeIn = (room: string, text: string, now: { at: number; unique(): string }): Message => ({
	kind: "message",
	style: "notice",
	id: `notice ${now.unique()}` as MessageId,
	room: room as RoomId,
	sender: account(pairOf(room)[0]),
	at: now.at,
	text,
});
