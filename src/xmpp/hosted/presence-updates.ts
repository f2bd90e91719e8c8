import { bare, resource } from "../jid.ts";
import type { Element } from "../stream/xml.ts";
import { announce, shownNow } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import type { Joins } from "./join.ts";
import type { JoinQueue } from "./join-queue.ts";
import { takeLeave } from "./leaving.ts";
import type { Liveness } from "./liveness.ts";
import { takeNickChange } from "./nick-changes.ts";
import { isJoin, payloadsOf, presence, shownSession } from "./presences.ts";
import { notJoined, refuse } from "./refusals.ts";
import type { Joined } from "./room.ts";

/** Takes the presences of clients: joins, leaves, changes of a nick or of a status, and probes. */
export function createPresences(
	context: HostedContext,
	{ joins, queue, liveness }: Readonly<{ joins: Joins; queue: JoinQueue; liveness: Liveness }>,
) {
	/** Takes an available presence. Returns the refusal, if there is one at once. */
	function available(stanza: Element, joined: Joined | undefined): Element | undefined {
		// XEP-0045 §7.2: a client that has lost its state joins again, and gets all of it again.
		if (isJoin(stanza)) return joins.take(stanza);
		if (!joined) return refuse(stanza, notJoined);
		const nick = resource(stanza.attrs.to ?? "");
		if (nick === undefined || nick === joined.occupant.nick) update(joined, stanza);
		else return takeNickChange(joined, nick, stanza, context);
		return undefined;
	}

	/** Shows the new status of a session (XEP-0045 §7.7), if its occupant is, or was, seen by it. */
	function update({ room, occupant, session }: Joined, stanza: Element): void {
		const before = shownSession([...occupant.sessions.values()]);
		session.presence = payloadsOf(stanza);
		const now = shownSession([...occupant.sessions.values()]);
		if (now === session || now !== before) announce(room, occupant, context);
	}

	/** Returns the answer to a probe (XEP-0045 §7.7). */
	function probed(stanza: Element, joined: Joined | undefined): Element | undefined {
		const { from = "", to = "" } = stanza.attrs;
		const nick = resource(to);
		const other = nick === undefined ? undefined : joined?.room.occupants.get(nick);
		if (!joined || !other) return refuse(stanza, notJoined);
		const answer = presence(bare(to), shownNow(joined.room, other, context));
		answer.attrs.to = from;
		return answer;
	}

	/** Takes a presence to a room. Returns the answer, if it has one at once. */
	return function takePresence(stanza: Element): Element | undefined {
		const joined = context.rooms.joined(stanza);
		if (joined) joined.session.heard = context.now().at;
		switch (stanza.attrs.type) {
			case undefined:
				return available(stanza, joined);
			case "unavailable":
				queue.cancel(stanza);
				if (joined) takeLeave(joined, stanza, context);
				return undefined;
			case "probe":
				return probed(stanza, joined);
			case "error":
				liveness.takeError(stanza);
				return undefined;
			default:
				// Nobody can subscribe to a room, and an answer would be one to a presence of a server.
				return undefined;
		}
	};
}
