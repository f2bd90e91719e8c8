import { createBoundedMap } from "../core/bounded-map.ts";
import type { Log } from "../core/log.ts";
import { type Client, MatrixError } from "./client.ts";
import type { MatrixEvent } from "./event.ts";
import { operationOf } from "./message/origin.ts";
import { createPages, type Pages } from "./pages.ts";
import type { Echo } from "./timeline.ts";

/** How far back a room is searched for an event in doubt: the number of pages, and of events on a page. */
const [pages, pageSize] = [30, 100];
/** Own events that are remembered, more than one search of a room finds. An older event was confirmed, or is searched for. */
const remembered = 2 * pages * pageSize;
/** The most that two clocks differ by, in ms. */
const skew = 10 * 60_000;

export type SendOnce = ReturnType<typeof createSendOnce>;

/** A delivery that may have been tried. `since`: the earliest time of its sending. `withBot`: the bot is in the room. */
type Tried = Readonly<{ operation: string; room: string; ghost: string; since: number; withBot: boolean }>;
/** How far back a room was read as `as`: its further pages, and the time of the oldest event, in ms since 1970. */
type Look = { as: string | undefined; pages: Pages; back: number };

/**
 * Sends each event once, although a request may go unanswered. The homeserver knows a repeated txnId, but Synapse keeps it
 * in memory only: for half an hour, and not across its restart. So a retry first looks for the event by the mark that it
 * carries: among the echoes, then in the room.
 */
export function createSendOnce(
	client: Pick<Client, "messages">,
	isOurs: (mxid: string) => boolean,
	log: Log,
) {
	const seen = createBoundedMap<string, string>(remembered);
	const waiting = new Map<string, (event_id: string) => void>();
	/** By room. After a crash many events are in doubt, and one reading of the room serves them all; a failed request ends it. */
	const looks = new Map<string, Look>();

	// Anybody can write a mark, so its sender counts, too.
	const name = (operation: string, sender: string) => `${operation} ${sender}`;
	function note({ content, sender, event_id }: MatrixEvent): string | undefined {
		const operation = isOurs(sender) ? operationOf(content) : undefined;
		if (operation !== undefined) seen.set(name(operation, sender), event_id);
		return operation;
	}

	/** Reads the room further back, as one of our accounts, until the event is found or cannot be older. */
	async function find(what: Tried, as: string | undefined): Promise<string | undefined> {
		const { operation, room, ghost, since } = what;
		const known = looks.get(room);
		const history = (from: string | undefined) =>
			client.messages(room, { limit: pageSize, from, ...(as && { as }) });
		const look: Look =
			known?.as === as && known
				? known
				: { as, pages: createPages(pages, history), back: Number.POSITIVE_INFINITY };
		looks.set(room, look);
		const wanted = name(operation, ghost);
		while (!seen.has(wanted) && look.back >= since - skew) {
			const page = await look.pages.next();
			if (!page) break;
			for (const event of page) {
				// A marked event may bear the time of its original, which says nothing about when the room got it.
				if (note(event) === undefined) look.back = Math.min(look.back, event.origin_server_ts);
			}
		}
		if (!seen.has(wanted) && look.back >= since - skew && !look.pages.complete())
			log.warn(
				{ operation, room },
				"a message in doubt is not in the part of the room that is searched; it is sent again",
			);
		return seen.get(wanted);
	}

	/** Reads as the bot if it is in the room, so that one reading serves all ghosts; else as the ghost itself. */
	async function lookUp(what: Tried): Promise<string | undefined> {
		const known = seen.get(name(what.operation, what.ghost));
		if (known !== undefined) return known;
		for (const as of what.withBot ? [undefined, what.ghost] : [what.ghost]) {
			try {
				return await find(what, as);
			} catch (error) {
				if (!(error instanceof MatrixError && error.status === 403)) throw error;
			}
		}
		// The ghost was never in the room, so it sent nothing there.
		return undefined;
	}

	return {
		/** Confirms the delivery that an echo of the homeserver names, if one waits for it. */
		confirm({ event }: Echo): void {
			const operation = note(event);
			if (operation !== undefined) waiting.get(operation)?.(event.event_id);
		},

		/** Calls `send` unless the event of `operation` is in the room already. Resolves with the event's id. */
		async once(
			what: Tried & Readonly<{ attempt: number }>,
			send: () => Promise<{ event_id: string }>,
		): Promise<{ event_id: string }> {
			const { operation, attempt, room } = what;
			if (attempt > 0) {
				const event_id = await lookUp(what);
				if (event_id !== undefined) {
					log.info({ operation }, "the room has a message in doubt; it is not sent again");
					return { event_id };
				}
			}
			const echo = new Promise<{ event_id: string }>((resolve) => {
				waiting.set(operation, (event_id) => resolve({ event_id }));
			});
			const sent = send();
			// Nobody awaits an answer that comes after the echo. A request that failed may have arrived: the room is read anew.
			sent.catch(() => looks.delete(room));
			try {
				return await Promise.race([sent, echo]);
			} finally {
				waiting.delete(operation);
			}
		},
	};
}
