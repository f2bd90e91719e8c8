import { TemporaryError } from "../../core/errors.ts";
import * as phrases from "../phrases.ts";
import { StanzaError, stanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import type { HostedContext } from "./context.ts";
import { loseSession } from "./leaving.ts";
import type { Joined, Session } from "./room.ts";

/** Silence after which a session is asked, and between two questions, in ms. */
const silence = 30 * 60_000;
/** How long the answer may take, in ms. */
const answerWithin = 5 * 60_000;
/**
 * Questions without an answer after which a session ends. Servers let phones hibernate for up to a day (XEP-0198), keep the
 * questions meanwhile, and tell us when they give a client up.
 */
const unanswered = 50;
/** Questions that wait for an answer, and those that one sweep asks. */
const most = { waiting: 500, ofSweep: 25 };

/** The errors by which a server tells that a client is gone (XEP-0045 §16.4). */
const gone: ReadonlySet<string> = new Set([
	"gone",
	"internal-server-error",
	"item-not-found",
	"jid-malformed",
	"recipient-unavailable",
	"redirect",
	"remote-server-not-found",
	"remote-server-timeout",
	"service-unavailable",
]);

/** Finds the clients that are gone: by the errors that come back for them, and by pings (XEP-0199) of silent ones. */
export function createLiveness(context: HostedContext) {
	type Asked = { at: number; unanswered: number };
	const asked = new WeakMap<Session, Asked>();
	let waiting = 0;
	/** The place of the last sweep among the sessions, so that each is looked at in turn. */
	let turn: Iterator<Joined> = [][Symbol.iterator]();
	/** No session is due before this time, in ms since 1970: those that come later are silent for less long. */
	let nextDue = 0;

	function end(session: Session, reason: string): void {
		const joined = context.rooms.joinedAs(session);
		if (joined?.session === session) loseSession(joined, reason, context);
	}

	/** Resolves when the session has answered a question, or is known to be gone. */
	async function ask(session: Session, note: Asked): Promise<void> {
		waiting++;
		try {
			await context.link.iq(to.ping(session.address, session.jid), answerWithin);
			note.unanswered = 0;
		} catch (error) {
			if (error instanceof TemporaryError) {
				note.unanswered++;
				if (note.unanswered >= unanswered) end(session, phrases.hostedSilent);
			} else if (error instanceof StanzaError && (await isGone(error, session)))
				end(session, phrases.hostedLost);
			else note.unanswered = 0;
		} finally {
			waiting--;
		}
	}

	/** A client without pings gives the same error as the server of a client that is gone, so the client is asked for more. */
	async function isGone({ condition }: StanzaError, { address, jid }: Session): Promise<boolean> {
		if (condition !== "service-unavailable") return gone.has(condition);
		try {
			await context.link.iq(to.discoInfo(address, jid));
			return false;
		} catch (error) {
			return error instanceof StanzaError && gone.has(error.condition);
		}
	}

	return {
		/** Takes an error that came back for a stanza of ours (XEP-0045 §16.4). */
		takeError(stanza: Element): void {
			const joined = context.rooms.joined(stanza);
			if (joined && gone.has(stanzaError(stanza).condition)) loseSession(joined, phrases.hostedLost, context);
		},
		/** Asks some of the sessions that were silent for long; called every few seconds. Costs nothing while none is due. */
		sweep(): void {
			const { at: now } = context.now();
			if (now < nextDue) return;
			const looks = context.rooms.sessions();
			let soonest = now + silence;
			let [n, asks] = [0, 0];
			for (; n < looks && asks < most.ofSweep && waiting < most.waiting; n++) {
				let next = turn.next();
				if (next.done) {
					turn = context.rooms.allJoined()[Symbol.iterator]();
					next = turn.next();
					if (next.done) return;
				}
				const { session } = next.value;
				const known = asked.get(session);
				if (known && session.heard > known.at) known.unanswered = 0;
				const due = Math.max(known?.at ?? 0, session.heard) + silence;
				if (due > now) {
					soonest = Math.min(soonest, due);
					continue;
				}
				const note = known ?? { at: now, unanswered: 0 };
				note.at = now;
				asked.set(session, note);
				asks++;
				void context.guard.run("ping of a client", () => ask(session, note));
			}
			// Other sessions may be due already if a bound ended the sweep.
			if (n === looks) nextDue = soonest;
		},
	};
}
export type Liveness = ReturnType<typeof createLiveness>;
