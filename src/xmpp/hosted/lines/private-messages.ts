import { createRateLimit } from "../../../core/limits.ts";
import { xmppNetwork } from "../../from-xmpp.ts";
import { resource } from "../../jid.ts";
import { mucUser } from "../../muc/status-codes.ts";
import { type Element, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { roleOf } from "../presences.ts";
import { metIn } from "../private-chats.ts";
import { reveal } from "../reveal.ts";
import type { HostedRoom, Joined, Occupant } from "../room.ts";
import { isPassing, originalOf } from "./original.ts";
import * as refusals from "./refusals.ts";

/** Private messages of one person: the XMPP server limits them for its own people alone. */
const rate = { perMinute: 60, burst: 60 };

/** Returns true if the owners of a room let an occupant write private messages. */
function mayWriteTo(room: HostedRoom, { person }: Occupant): boolean {
	const { privately } = room.own;
	const role = roleOf(room, person);
	return !privately || role === "moderator" || (privately === "participants" && role === "participant");
}

/**
 * Takes messages to one occupant of a hosted room (XEP-0045 §7.5). The room of the source never sees them: those for its
 * people go to a chat of their own.
 */
export function createPrivateMessages(context: HostedContext) {
	const mayWrite = createRateLimit(rate);

	/** Returns the error that answers a message to an occupant, if one is due. */
	return function take(joined: Joined | undefined, stanza: Element): Element | undefined {
		if (stanza.attrs.type === "error") return undefined;
		if (stanza.attrs.type === "groupchat") return refusals.toOneOccupant(stanza);
		// Nobody reads typing and receipts that do not arrive.
		const answer = (error: Element) => (isPassing(stanza) ? undefined : error);
		if (!joined) return answer(refusals.notInRoom(stanza));
		const { room, occupant } = joined;
		if (!mayWriteTo(room, occupant)) return answer(refusals.noPrivateMessages(stanza));
		const nick = resource(stanza.attrs.to ?? "") ?? "";
		const target = room.occupants.get(nick);
		if (!target) return answer(refusals.noSuchOccupant(stanza));
		const isOfSource = target.person.network !== xmppNetwork;
		if (!isOfSource && target.sessions.size === 0) return answer(refusals.awayOccupant(stanza));
		if (!mayWrite(occupant.person.id)) return answer(refusals.tooFast(stanza));
		if (isOfSource) {
			reveal(room, target, context);
			return context.privately({ stanza, muc: room.id, sender: metIn(room, occupant), to: target.person });
		}
		const { attrs, children } = originalOf(stanza, context.component);
		const type = stanza.attrs.type === "chat" ? "chat" : undefined;
		context.out.send(target.sessions.values(), (address) =>
			xml(
				"message",
				{ ...attrs, type, from: `${address}/${occupant.nick}` },
				...children,
				xml("x", { xmlns: mucUser }),
				xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: occupant.id }),
			),
		);
		return undefined;
	};
}
