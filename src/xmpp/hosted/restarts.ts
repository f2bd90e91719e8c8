import { account } from "../from-xmpp.ts";
import { statusCodes } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { type Element, xml } from "../stream/xml.ts";
import { shownNow } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { lockedForm } from "./creation/locked-rooms.ts";
import { presence } from "./presences.ts";
import { lost, refuse } from "./refusals.ts";
import { placeOf } from "./returns.ts";
import { type StoredSession, storedForm } from "./sessions.ts";

/** The ends of all sessions: by a stop, a crash of the bridge, or a break of the link to the XMPP server. */
export function createRestarts(context: HostedContext) {
	/** Sessions that have ended and are not told so yet. */
	let untold: StoredSession[] = [];

	/** Returns the last presence of a session that is in memory no more. */
	function farewell({ address, jid, nick, view, seed }: StoredSession): Element {
		const facts = seed === undefined ? {} : { seed };
		const id = context.occupantId({ id: view, facts }, account(jid));
		const one = { nick, id, jid, affiliation: "none", role: "none", payloads: [] } as const;
		// XEP-0045 §16.3: a client that was removed for a technical reason joins again.
		const codes = [statusCodes.selfPresence, statusCodes.technicalRemoval];
		const stanza = presence(address, one, { gone: true, codes, reason: phrases.hostedLost });
		stanza.attrs.to = jid;
		return stanza;
	}

	/** Returns the answer to a join of the last run. */
	const unanswered = ({ address, jid, nick, join }: StoredSession): Element =>
		refuse(xml("presence", { from: jid, to: `${address}/${nick}`, id: join?.id }), lost);

	/** Returns true for a client that has come back by itself. */
	const isBack = (session: StoredSession): boolean =>
		context.rooms.joinedAs(session) !== undefined || context.locked.at(session.address)?.jid === session.jid;

	return {
		/** Reads the sessions of the last run. */
		async start(): Promise<void> {
			for (const stored of await context.store.all()) {
				if (!stored.told) untold.push(stored);
				const { source, id, view } = stored;
				if (source !== undefined && id !== undefined)
					context.returns.expect({ source, id, view }, { ...account(stored.jid), name: stored.nick }, stored);
			}
		},
		/** Ends all sessions and tells nobody: the link is broken, and their clients may have missed anything. */
		offline(): void {
			for (const joined of [...context.rooms.allJoined()]) {
				const { room, occupant, session } = joined;
				const stored = storedForm(room, occupant.nick, session);
				untold.push(stored);
				context.returns.expect(placeOf(room), occupant.person, stored);
				context.rooms.removeSession(joined);
				context.returns.rest(room);
			}
			for (const locked of [...context.locked.all()]) {
				if (locked.state !== "open") continue;
				const stored = lockedForm(locked);
				context.locked.remove(locked);
				void context.store.save(stored);
				untold.push(stored);
			}
		},
		/** Tells all sessions that have ended so, unless their clients have come back by themselves. */
		async online(): Promise<void> {
			const all = untold;
			untold = [];
			const told: Promise<void>[] = [];
			for (const [n, session] of all.entries()) {
				if (isBack(session)) continue;
				try {
					await context.link.send(session.join ? unanswered(session) : farewell(session));
				} catch {
					untold.push(...all.slice(n));
					break;
				}
				// The person of a room that was being made is in no room.
				told.push(session.id === undefined ? context.store.remove(session) : context.store.told(session));
			}
			await Promise.all(told);
		},
		/** Tells all sessions that the bridge stops (XEP-0045 §15.6.2, status 332). */
		async stop(): Promise<void> {
			const codes = [statusCodes.selfPresence, statusCodes.shutdown];
			const told: Promise<void>[] = [];
			for (const joined of [...context.rooms.allJoined()]) {
				const { room, occupant, session } = joined;
				const self = { ...shownNow(room, occupant, context), jid: session.jid };
				context.out.farewell(
					session,
					presence(session.address, self, { gone: true, codes, reason: phrases.hostedStopping }),
				);
				told.push(context.store.told(storedForm(room, occupant.nick, session)));
				context.rooms.removeSession(joined);
			}
			await Promise.all(told);
		},
	};
}
