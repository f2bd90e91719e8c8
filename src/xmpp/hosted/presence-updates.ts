import { createRateLimit } from "../../core/limits.ts";
import { bare, resource } from "../jid.ts";
import type { Element } from "../stream/xml.ts";
import { announce, shownNow } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { takePhoto } from "./faces.ts";
import type { Joins } from "./join/index.ts";
import type { JoinQueue } from "./join/queue.ts";
import { takeLeave } from "./leaving.ts";
import type { Liveness } from "./liveness.ts";
import { takeNickChange } from "./nick-changes.ts";
import { isJoin, payloadsOf, presence, shownSession } from "./presences.ts";
import { notJoined, refuse, tooManyNicks } from "./refusals.ts";
import { reveal } from "./reveal.ts";
import { type Joined, type Occupant, sessionKey } from "./room.ts";

/** New nicks of one person in one room: fewer than core lets the ghost have names. */
const nickRate = { perMinute: 1, burst: 15 };
/** New statuses of one session that are shown at once. Of those above it, the last one is shown at the next sweep. */
const statusRate = { perMinute: 30, burst: 30 };

/** Takes the presences of clients: joins, leaves, changes of a nick or of a status, and probes. */
export function createPresences(
	context: HostedContext,
	{ joins, queue, liveness }: Readonly<{ joins: Joins; queue: JoinQueue; liveness: Liveness }>,
) {
	const now = () => context.now().at;
	const mayRename = createRateLimit(nickRate, now);
	const mayShow = createRateLimit(statusRate, now);
	/** Occupants whose last status is still to be shown. */
	const unshown = new Set<Occupant>();

	/** Takes an available presence. Returns the refusal, if there is one at once. */
	function available(stanza: Element, joined: Joined | undefined): Element | undefined {
		// XEP-0045 §7.2: a client that has lost its state joins again, and gets all of it again.
		if (isJoin(stanza)) return joins.take(stanza);
		if (!joined) return refuse(stanza, notJoined);
		const nick = resource(stanza.attrs.to ?? "");
		if (nick === undefined || nick === joined.occupant.nick) update(joined, stanza);
		else {
			const { room, occupant } = joined;
			if (!mayRename(`${room.id} ${occupant.person.id}`)) return refuse(stanza, tooManyNicks);
			return takeNickChange(joined, nick, stanza, context);
		}
		return undefined;
	}

	/** Shows the new status of a session (XEP-0045 §7.7), if its occupant is, or was, seen by it. */
	function update({ room, occupant, session }: Joined, stanza: Element): void {
		takePhoto({ room, occupant }, stanza, context);
		const before = shownSession([...occupant.sessions.values()]);
		session.presence = payloadsOf(stanza);
		const after = shownSession([...occupant.sessions.values()]);
		if (after !== session && after === before) return;
		if (mayShow(sessionKey(session.address, session.jid))) announce(room, occupant, context);
		else unshown.add(occupant);
	}

	/** Returns the answer to a probe (XEP-0045 §7.7). */
	function probed(stanza: Element, joined: Joined | undefined): Element | undefined {
		const { from = "", to = "" } = stanza.attrs;
		const nick = resource(to);
		const other = nick === undefined ? undefined : joined?.room.occupants.get(nick);
		if (!joined || !other) return refuse(stanza, notJoined);
		reveal(joined.room, other, context);
		const answer = presence(bare(to), shownNow(joined.room, other, context));
		answer.attrs.to = from;
		return answer;
	}

	/** Takes a presence to a room. Returns the answer, if it has one at once. */
	function take(stanza: Element): Element | undefined {
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
	}

	return {
		take,
		/** Shows the statuses that came too fast; called every few seconds. */
		sweep(): void {
			if (unshown.size === 0) return;
			const shown = new Set<Occupant>();
			for (const { room, occupant } of context.rooms.allJoined())
				if (unshown.has(occupant) && !shown.has(occupant)) {
					shown.add(occupant);
					announce(room, occupant, context);
				}
			unshown.clear();
		},
	};
}
