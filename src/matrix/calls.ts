import { PermanentError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Portal } from "../core/mapping.ts";
import type { Network } from "../core/network.ts";
import type { Client } from "./client.ts";
import { aMessageAt } from "./encrypted-rooms.ts";
import { type MatrixEvent, text } from "./event.ts";
import type { Members } from "./members.ts";
import * as phrases from "./phrases.ts";
import type { Rooms } from "./rooms.ts";

/** Age in ms from which no client rings for a call. // Matrix spec, "m.call.invite": the usual lifetime is a minute */
const ringing = 60_000;

/**
 * Returns the handler of calls in 1:1 chats, which the bridge cannot carry: the caller gets a notice, and the ghost
 * declines, or the call would ring in vain.
 */
export function createCallRefusal(deps: {
	client: Pick<Client, "send">;
	members: Members;
	rooms: Pick<Rooms, "speaker">;
	refuse: Network["refuse"];
	log: Log;
}): (event: MatrixEvent, portal: Portal) => Promise<void> {
	const { client, members, rooms, log } = deps;

	async function decline(
		{ room_id: room, event_id: id, content }: MatrixEvent,
		portal: Portal,
	): Promise<void> {
		const ghost = await rooms.speaker(room, portal);
		const call = text(content.call_id);
		if (!ghost || !call) return;
		// COMPAT Calls of version 0 have no m.call.reject. // Matrix spec, "m.call.hangup"
		const old = content.version === 0;
		const body = old ? { call_id: call, version: 0 } : { call_id: call, party_id: "trivium", version: "1" };
		await client.send(room, old ? "m.call.hangup" : "m.call.reject", `call.${id}`, { as: ghost, body });
	}

	return async (event, portal) => {
		if (!portal.between) return;
		const age = Number(event.unsigned?.age ?? 0);
		const why = new PermanentError("invalid", phrases.callNotCrossing);
		const failed = (error: unknown) =>
			log.warn(
				{ err: error, room: event.room_id },
				"a call could not be declined, or its caller not be told",
			);
		await Promise.all([
			age < ringing ? decline(event, portal).catch(failed) : undefined,
			deps.refuse(aMessageAt(event, members), why, phrases.unlinkedTarget).catch(failed),
		]);
	};
}
