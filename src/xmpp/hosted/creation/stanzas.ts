import { statusCodes } from "../../muc/status-codes.ts";
import * as phrases from "../../phrases.ts";
import { type Element, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { type Happening, payloadsOf, presence } from "../presences.ts";
import { factsOf, type LockedRoom } from "./locked-rooms.ts";

/** The stanzas that the client of a locked room gets (XEP-0045 §10.1.1). */

type Parts = Pick<HostedContext, "occupantId">;

/** Returns a presence of the person who makes the room, for their client. */
function own(room: LockedRoom, context: Parts, what: Happening): Element {
	const facts = factsOf(room);
	const shown = {
		nick: room.nick,
		id: context.occupantId({ id: facts.room, facts }, room.person),
		jid: room.jid,
		affiliation: "owner" as const,
		role: "moderator" as const,
		payloads: payloadsOf(room.join),
	};
	const stanza = presence(room.address, shown, what);
	stanza.attrs.to = room.jid;
	return stanza;
}

/** Returns the presence that answers the join. `altered`: the client asked for another nick. */
export const acknowledgement = (room: LockedRoom, altered: boolean, context: Parts): Element =>
	own(room, context, {
		id: room.join.attrs.id,
		codes: [
			statusCodes.nonAnonymous,
			statusCodes.selfPresence,
			statusCodes.loggingEnabled,
			statusCodes.created,
			...(altered ? [statusCodes.nickModified] : []),
		],
	});

/** Returns the presence that shows a new status of the client. */
export const update = (room: LockedRoom, context: Parts): Element =>
	own(room, context, { codes: [statusCodes.selfPresence] });

/** Returns the presence by which the client leaves. */
export const farewell = (room: LockedRoom, id: string | undefined, context: Parts): Element =>
	own(room, context, { id, gone: true, codes: [statusCodes.selfPresence] });

/** Returns the presence that tells the client that the room is no more. */
export const end = (room: LockedRoom, reason: string, context: Parts): Element =>
	own(room, context, { gone: true, codes: [statusCodes.selfPresence], destroy: { reason } });

/** Returns the presence that has the client join again. */
export const interruption = (room: LockedRoom, context: Parts): Element =>
	own(room, context, {
		gone: true,
		codes: [statusCodes.selfPresence, statusCodes.technicalRemoval],
		reason: phrases.hostedLost,
	});

/** Returns the message that ends the join: a new room has no subject. */
export const noSubject = ({ address, jid }: LockedRoom, id: string): Element =>
	xml("message", { type: "groupchat", from: address, to: jid, id }, xml("subject"));
