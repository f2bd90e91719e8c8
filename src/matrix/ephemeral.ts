import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import type { Guard } from "../core/guard.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Bridge } from "../core/network.ts";
import { asObject, isContent, isId, type MatrixEvent, text } from "./event.ts";
import { treatmentOf } from "./event-kinds.ts";
import type { Members } from "./members.ts";
import { presenceIn } from "./presence.ts";

/** Rooms whose typing people are remembered, people of one room, and the bytes of all. */
const [mostRooms, mostTyping, typingBytes] = [2_000, 50, 1_048_576];
/** Receipts of one transaction that are read: each names a person. */
const mostReceipts = 1_000;
/** Events that are no messages, and rooms, whose last message is remembered. */
const mostEvents = 5_000;

/**
 * Takes what passes on Matrix: who types, who is there, and who has read up to where. The homeserver hands it over beside
 * the events of a transaction, without a promise that it arrives.
 *
 * // Matrix spec v1.13, application services "Pushing ephemeral data"
 */
export function createEphemeral(deps: {
	bridge: Pick<Bridge, "signal">;
	members: Pick<Members, "person" | "of">;
	isOurs(mxid: string): boolean;
	guard: Guard;
}) {
	const { bridge, members, isOurs, guard } = deps;
	/** By room: the people who type. */
	const typing = createBoundedMap<string, readonly string[]>(mostRooms, {
		bytes: typingBytes,
		of: (room, people) => textBytes(room, ...people) + 100,
	});
	/** By room: its last message. By any other event: the last message before it. */
	const messages = createBoundedMap<string, string>(mostEvents, {
		bytes: 4 * 1_048_576,
		of: (event, message) => textBytes(event, message) + 100,
	});

	const person = (room: string, mxid: string) => members.person(mxid, members.of(room).get(mxid));
	const isForeign = (mxid: unknown): mxid is string =>
		typeof mxid === "string" && isId(mxid) && mxid.startsWith("@") && !isOurs(mxid);

	/** Takes the list of all who type in a room now. // Matrix spec, "Typing Notifications" */
	function takeTyping(room: RoomId, content: unknown): void {
		const given = asObject(content).user_ids;
		// The list names our own ghosts, too: their typing comes from the other network.
		const now = Array.isArray(given) ? given.slice(0, mostTyping).filter(isForeign) : [];
		const before = typing.get(room) ?? [];
		if (now.length > 0) typing.set(room, now);
		else typing.delete(room);
		const tell = (mxid: string, active: boolean) =>
			bridge.signal({ kind: "typing", room, sender: person(room, mxid), active });
		for (const mxid of before) if (!now.includes(mxid)) tell(mxid, false);
		for (const mxid of now) if (!before.includes(mxid)) tell(mxid, true);
	}

	/** Takes the public receipts of a room, of which the newest of each person counts. // Matrix spec, "Receipts" */
	function takeReceipts(room: RoomId, content: unknown): void {
		const newest = new Map<string, Readonly<{ event: string; ts: number }>>();
		let left = mostReceipts;
		for (const [event, receipts] of Object.entries(asObject(content))) {
			if (!isId(event)) continue;
			// `m.read.private` is for the person's own clients alone.
			for (const [mxid, receipt] of Object.entries(asObject(asObject(receipts)["m.read"]))) {
				if (left-- <= 0) return;
				const { ts, thread_id: thread } = asObject(receipt);
				// A receipt of a thread says nothing about the rest of the room.
				if (!isForeign(mxid) || (thread !== undefined && thread !== "main")) continue;
				const at = typeof ts === "number" ? ts : 0;
				if (at >= (newest.get(mxid)?.ts ?? 0)) newest.set(mxid, { event, ts: at });
			}
		}
		for (const [mxid, { event }] of newest) {
			// Clients also name an event that no other network has, such as a reaction: the message before it was read as well.
			const id = (messages.get(event) ?? event) as MessageId;
			bridge.signal({ kind: "read", room, sender: person(room, mxid), target: { id } });
		}
	}

	/** Takes the presence of a person, which goes to the partners of their chats. // Matrix spec, "Presence" */
	function takePresence(mxid: unknown, content: unknown): void {
		const shown = presenceIn(content);
		if (shown && isForeign(mxid)) bridge.signal({ kind: "presence", sender: members.person(mxid), ...shown });
	}

	return {
		/** Notes the events of a transaction, which receipts may name. */
		note(events: readonly MatrixEvent[]): void {
			for (const event of events) {
				const { room_id: room, event_id: id } = event;
				if (isMessage(event)) messages.set(room, id);
				else {
					const last = messages.get(room);
					if (last !== undefined) messages.set(id, last);
				}
			}
		},
		/** Takes the ephemeral part of a transaction. Returns at once and never throws. */
		take(all: readonly unknown[]): void {
			for (const one of all)
				void guard.run("ephemeral event", () => {
					if (!isContent(one)) return;
					if (one.type === "m.presence") return takePresence(one.sender, one.content);
					const room = text(one.room_id) as RoomId;
					if (room === "" || !isId(room)) return;
					if (one.type === "m.typing") takeTyping(room, one.content);
					else if (one.type === "m.receipt") takeReceipts(room, one.content);
				});
		},
	};
}

const shown = new Set<string>(["message", "sticker", "poll"]);
/** Whether an event is a message that other networks may have. */
const isMessage = (event: MatrixEvent): boolean => shown.has(treatmentOf(event));
