import { PermanentError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Portal } from "../core/mapping.ts";
import type { Network } from "../core/network.ts";
import { table } from "../core/table.ts";
import type { Client } from "./client.ts";
import { aMessageAt } from "./encrypted-rooms.ts";
import { type MatrixEvent, text } from "./event.ts";
import { treatmentOf } from "./event-kinds.ts";
import type { Members } from "./members.ts";
import * as phrases from "./phrases.ts";
import type { Rooms } from "./rooms.ts";

/** Age in ms from which no client rings for a call. // Matrix spec, "m.call.invite": the usual lifetime is a minute */
const ringing = 60_000;

/** Returns true for an event that calls somebody: an invitation to a call, or a membership or the ringing of one of MatrixRTC. */
export const isCall = (event: MatrixEvent): boolean =>
	["call", "group-call", "ringing"].includes(treatmentOf(event));

/** The declines of MatrixRTC, by the ringing that they answer. // MSC4310 */
const declines = table<string>({
	"m.rtc.notification": "m.rtc.decline",
	"org.matrix.msc4075.rtc.notification": "org.matrix.msc4310.rtc.decline",
});

/** Returns the event by which a ghost declines a call; undefined for an event that does not ring. */
function declineOf({ type, event_id: id, content }: MatrixEvent): { type: string; body: object } | undefined {
	const rtc = declines[type];
	if (rtc) return { type: rtc, body: { "m.relates_to": { rel_type: "m.reference", event_id: id } } };
	const call = text(content.call_id);
	if (treatmentOf({ type }) !== "call" || !call) return undefined;
	// COMPAT Calls of version 0 have no m.call.reject. // Matrix spec, "m.call.hangup"
	return content.version === 0
		? { type: "m.call.hangup", body: { call_id: call, version: 0 } }
		: { type: "m.call.reject", body: { call_id: call, party_id: "trivium", version: "1" } };
}

/**
 * Returns the handler of calls in 1:1 chats, which the bridge cannot carry: the caller gets a notice, and the ghost
 * declines, or the call would ring in vain. `told`: the other side reads of this event.
 */
export function createCallRefusal(deps: {
	client: Pick<Client, "send">;
	members: Members;
	rooms: Pick<Rooms, "speaker">;
	refuse: Network["refuse"];
	log: Log;
}): (event: MatrixEvent, portal: Portal, told: boolean) => Promise<void> {
	const { client, members, rooms, log } = deps;

	async function decline(event: MatrixEvent, portal: Portal): Promise<void> {
		const answer = declineOf(event);
		const ghost = answer && (await rooms.speaker(event.room_id, portal));
		if (!ghost) return;
		const { type, body } = answer;
		await client.send(event.room_id, type, `call.${event.event_id}`, { as: ghost, body });
	}

	return async (event, portal, told) => {
		if (!portal.between) return;
		const { age } = event.unsigned ?? {};
		const why = new PermanentError("invalid", phrases.callNotCrossing);
		const failed = (error: unknown) =>
			log.warn(
				{ err: error, room: event.room_id },
				"a call could not be declined, or its caller not be told",
			);
		await Promise.all([
			typeof age !== "number" || age < ringing ? decline(event, portal).catch(failed) : undefined,
			told ? deps.refuse(aMessageAt(event, members), why, phrases.unlinkedTarget).catch(failed) : undefined,
		]);
	};
}
