import type { OperationId } from "../../core/ids.ts";
import { topicText } from "../../core/room-info.ts";
import { stanzaId } from "../from-xmpp.ts";
import { resource } from "../jid.ts";
import { inDefaultLanguage } from "../message/language.ts";
import { child, type Element } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import type { OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** The topic of a MUC, which XMPP calls its subject (XEP-0045 §8.1), as the MUC tells it. `set-subject.ts` sets it. */

/** The subject that each MUC was asked to take last, until it answers. */
const asked = new WeakMap<Room, Readonly<{ operation: OperationId; from: OwnOccupant }>>();

/** The key of the fact that has the subject which the MUC took from us last, until somebody else sets another one. */
const keyOf = ({ jid }: Room) => `subject given to ${jid}`;

/** Notes that the MUC has taken a subject from us. */
export const noteGiven = (room: Room, topic: string, context: Context): void =>
	context.save({ key: keyOf(room), value: topic });

/** Forgets the subject that a MUC took from us: its link has ended. */
export const forgetGiven = (room: Room, context: Context): void =>
	context.save({ key: keyOf(room), value: undefined });

/** Notes that `from` asks the MUC for a subject. Returns the function that ends the wait for it. */
export function askForSubject(room: Room, operation: OperationId, from: OwnOccupant): () => void {
	asked.set(room, { operation, from });
	return () => void (asked.get(room)?.operation === operation && asked.delete(room));
}

/**
 * Takes the subject that an own occupant has set, which is no news. Not every MUC keeps the id of the stanza that set it.
 * Returns false for the subject of others, and for any other line.
 */
export function takeOwnSubject(room: Room, stanza: Element, context: Context): boolean {
	if (!child(stanza, "subject") || child(stanza, "body") || child(stanza, "thread")) return false;
	const by = room.ours.byNick.get(resource(stanza.attrs.from ?? "") ?? "");
	if (!by) {
		forgetGiven(room, context);
		return false;
	}
	const pending = asked.get(room);
	const known = stanzaId(stanza, room.jid, room.features.stanzaIds);
	if (pending?.from === by)
		context.confirmations.confirm({ operation: pending.operation, id: stanza.attrs.id, known, by });
	return true;
}

/**
 * Tells the portal the subject that the MUC had when the listener joined (XEP-0045 §7.2.15). The portal's other room may have
 * a newer topic than the one that it gave the MUC.
 */
export function takeStandingSubject(room: Room, stanza: Element, context: Context): void {
	const topic = topicText(inDefaultLanguage(stanza, "subject")?.getText() ?? "");
	if (topic === "") return;
	void context.guard.run("subject of a MUC", async () => {
		if ((await context.cursor(keyOf(room))) !== topic) context.described(room, { topic });
	});
}
