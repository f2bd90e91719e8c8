import { TemporaryError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { type Component, type Recipient, recipient } from "../stream/component.ts";
import { bytes, type Element } from "../stream/xml.ts";
import { type Session, sessionKey } from "./room.ts";

/** Bytes that the kernel has not taken yet, past which sessions end, and the bytes at which those are told so. */
const [most, drained] = [32 * 1_048_576, 8 * 1_048_576];
/** The bounds of the stanzas that one session gets while it waits for its history. */
const [mostHeld, mostHeldBytes] = [2_000, 4 * 1_048_576];

/**
 * Writes the stanzas of hosted rooms to sessions, in call order. It never makes its callers wait: a link that takes too little
 * costs sessions, which `lose` ends, and no back-pressure on Matrix.
 */
export function createBroadcast(deps: {
	link: Pick<Component, "sendToAll">;
	log: Log;
	/** Ends a session that misses a stanza; its last words go through {@link Broadcast.farewell}. */
	lose(session: Session): void;
}) {
	const { link, log } = deps;
	/** Bytes that are written and not taken. */
	let waiting = 0;
	/** Sessions to be ended, and whether somebody ends them now: each end is told to the rest of its room. */
	const losing = new Map<string, Session>();
	let atIt = false;
	/** The last stanzas of sessions that were lost, until the link takes stanzas again. */
	let farewells: (readonly [Session, Element])[] = [];
	/** Called once the link takes stanzas again. */
	const unready: (() => void)[] = [];
	const heldBytes = new WeakMap<Session, number>();
	const recipients = new WeakMap<Session, Recipient>();

	/** Returns a session as the recipient of a stanza, which is made once. */
	function recipientOf(session: Session): Recipient {
		const known = recipients.get(session) ?? recipient(session.jid);
		recipients.set(session, known);
		return known;
	}

	/** Writes a stanza. Returns the number of recipients, from the first on, for whom the link had room. */
	function write(stanza: Element, recipients: readonly Recipient[]): number {
		try {
			const { sent, bytes, taken } = link.sendToAll(stanza, recipients, most - waiting);
			waiting += bytes;
			taken
				.catch((error: unknown) => {
					// The sessions are told when the link is up again.
					if (!(error instanceof TemporaryError)) throw error;
				})
				.catch((error: unknown) => log.error({ err: error }, "a stanza of a hosted room could not be sent"))
				.finally(() => {
					waiting -= bytes;
					if (waiting > drained) return;
					sayFarewells();
					for (const resolve of unready.splice(0)) resolve();
				});
			return sent;
		} catch (error) {
			log.error({ err: error, kind: stanza.name }, "a stanza of a hosted room could not be sent");
			return recipients.length;
		}
	}

	function sayFarewells(): void {
		const all = farewells;
		farewells = [];
		for (const [session, stanza] of all) write(stanza, [recipientOf(session)]);
	}

	function lose(sessions: readonly Session[]): void {
		for (const session of sessions) losing.set(sessionKey(session.address, session.jid), session);
		if (atIt) return;
		atIt = true;
		try {
			for (const [key, session] of losing) {
				deps.lose(session);
				losing.delete(key);
			}
		} finally {
			losing.clear();
			atIt = false;
		}
	}

	/** Keeps a stanza for a session that has no subject yet. Returns false past the bound. */
	function hold(session: Session, held: Element[], stanza: Element): boolean {
		const size = (heldBytes.get(session) ?? 0) + bytes(stanza);
		if (held.length >= mostHeld || size > mostHeldBytes) return false;
		heldBytes.set(session, size);
		held.push(stanza);
		return true;
	}

	function toAddress(
		address: string,
		sessions: readonly Session[],
		make: (address: string) => Element,
	): void {
		const stanza = make(address);
		const ready = sessions.filter(({ held }) => !held);
		const full = sessions.filter((one) => one.held && !hold(one, one.held, stanza));
		const recipients = ready.map(recipientOf);
		const sent = recipients.length > 0 && waiting <= most ? write(stanza, recipients) : 0;
		const lost = [...full, ...ready.slice(sent)];
		if (lost.length > 0) lose(lost);
	}

	return {
		/**
		 * Writes a stanza to sessions. `make` is called once for each address that one of them joined by, and returns the
		 * stanza without `to`.
		 */
		send(sessions: Iterable<Session>, make: (address: string) => Element): void {
			const byAddress = new Map<string, Session[]>();
			for (const session of sessions) {
				const of = byAddress.get(session.address);
				if (of) of.push(session);
				else byAddress.set(session.address, [session]);
			}
			for (const [address, of] of byAddress) toAddress(address, of, make);
		},
		/** Writes a stanza to one session at once, also while it waits for its history: the stanzas of a join. */
		sendNow(session: Session, stanza: Element): void {
			if (waiting > most) lose([session]);
			else write(stanza, [recipientOf(session)]);
		},
		/** Resolves once the link has taken most of what is written. */
		ready: (): Promise<void> =>
			waiting <= drained ? Promise.resolve() : new Promise((resolve) => unready.push(resolve)),
		/** Writes the stanzas that a session waited for. */
		release(session: Session): void {
			const held = session.held ?? [];
			delete session.held;
			heldBytes.delete(session);
			for (const stanza of held) write(stanza, [recipientOf(session)]);
		},
		/** Writes the last stanza of a session; when the link takes too little, once it takes more. */
		farewell(session: Session, stanza: Element): void {
			if (waiting > most) farewells.push([session, stanza]);
			else write(stanza, [recipientOf(session)]);
		},
	};
}
export type Broadcast = ReturnType<typeof createBroadcast>;
