import { PermanentError } from "../../core/errors.ts";
import type { Message, Sets } from "../../core/event.ts";
import type { MessageId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { xml } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import { say } from "./outbox.ts";
import { isIn, type OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { chooseSpeaker } from "./speaker.ts";
import { askForSubject, noteGiven } from "./subject.ts";

type Setting = Message & Readonly<{ sets: Sets }>;

/** Returns true for a message that tells of a new topic. */
export const setsTopic = (event: Message): event is Setting => event.sets !== undefined;

/**
 * Has the MUC take a topic, as the occupant of the person who set it, or as the listener if only the listener has the
 * right. If neither has it, a line in the MUC tells the topic of the other room. @throws as {@link say}
 */
export async function setSubject(
	room: Room,
	ours: OwnOccupant,
	out: Outbound,
	event: Setting,
	context: Context,
): Promise<readonly MessageId[]> {
	const { operation } = out;
	const speaker = await chooseSpeaker(room, ours, context);
	for (const from of new Set([speaker, room.listener])) {
		if (!isIn(from)) continue;
		const end = askForSubject(room, operation, from);
		const answer = context.confirmations.expect(room, from, operation, () => undefined);
		answer.catch(() => undefined);
		const id = context.signedIds().of(operation, room.jid, from.nick);
		const attrs = { type: "groupchat", from: from.jid, to: room.jid, id };
		try {
			await context.link.send(xml("message", attrs, xml("subject", {}, event.sets.topic)));
			const ids = await answer;
			noteGiven(room, event.sets.topic, context);
			return ids;
		} catch (error) {
			context.confirmations.reject(operation, error as Error);
			if (!(error instanceof PermanentError)) throw error;
		} finally {
			end();
		}
	}
	return say(room, ours, out, event, context);
}
