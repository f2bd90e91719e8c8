import { TemporaryError } from "../../core/errors.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge } from "../../core/network.ts";
import { type Client, MatrixError } from "../client.ts";
import type { MatrixEvent } from "../event.ts";
import { treatmentOf } from "../event-kinds.ts";
import { isPlace } from "../hosting/places.ts";
import { matrixNetwork } from "../mxid.ts";
import { createPages } from "../pages.ts";
import { isHappening } from "../treatments.ts";
import type { Position } from "./position.ts";

/** How far back a room is read: the number of pages, and of events on a page. */
const [pages, pageSize] = [30, 30];
/** The same for a room that another network shows in full: its archive must have no hole. */
const [wholePages, wholePageSize] = [50, 100];
/** The least time, in ms, before a busy homeserver is asked again. */
const pause = 300;
/** How long the homeserver may take to answer, in ms. */
const timeout = 10_000;
/** The most that the clocks of two homeservers differ by, in ms. */
const skew = 10 * 60_000;

/** An event that the homeserver has not handed over. `next`: the id of the event of the current transaction that follows it. */
export type Missing = Readonly<{ event: MatrixEvent; next?: string }>;

/** The events that a reading of a room found, oldest first. */
export type Found = Readonly<{
	/**
	 * Messages of people, of a room that another network shows in full all events: all of them, or those
	 * before the last event of the current transaction.
	 */
	before: readonly Missing[];
	/** Ids of all events behind the transaction's: the homeserver is about to hand them over. */
	behind: readonly string[];
}>;

/** Resolves after `ms`. The timer keeps no process alive. */
export const wait = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms).unref());

/** Reads a room back to its position: the last event that the homeserver handed over. */
export function createBackfillReader(deps: {
	client: Pick<Client, "messages">;
	/** The ghost that can read a room; undefined is the bot. */
	reader(room: string): Promise<string | undefined>;
	isOurs(mxid: string): boolean;
	/** Resolves with true if another network shows the whole room: then our own events and all changes count, too. */
	isWhole(room: string): Promise<boolean>;
	bridge: Pick<Bridge, "beginArchive">;
	/** Whether an event was handed over or read before. */
	seen(event: string): boolean;
	log: Log;
}) {
	const { client, isOurs, seen, log } = deps;
	const ended = Promise.withResolvers<never>();
	ended.promise.catch(() => undefined);
	let stopped = false;

	/** The events between a position and the newest event. `until`: the ids of a transaction. */
	async function missing(name: string, position: Position, until: ReadonlySet<string>): Promise<Found> {
		const [as, whole] = [await deps.reader(name), await deps.isWhole(name)];
		let before: Missing[] = [];
		const behind: string[] = [];
		/** The event of the transaction that was passed last. */
		let next: string | undefined;
		const found = () => ({ before: before.reverse(), behind: behind.reverse() });
		const limit = whole ? wholePageSize : pageSize;
		const history = createPages(whole ? wholePages : pages, (from) =>
			client.messages(name, { limit, from, timeout, ...(as && { as }) }),
		);
		for await (const page of history) {
			// The ghost may see nothing that is older, not even the event of the position.
			if (whole && page.length === 0) return found();
			for (const event of page) {
				const { event_id: id, origin_server_ts: at } = event;
				const said = event.state_key === undefined && !isOurs(event.sender);
				if (id === position.event || (said && at < position.at - skew)) return found();
				if (until.has(id)) next = id;
				else if (seen(id)) continue;
				else if (until.size > 0 && next === undefined) behind.push(id);
				else if (whole || said || (isHappening(treatmentOf(event)) && !isOurs(event.sender)))
					before.push({ event, ...(next !== undefined && { next }) });
			}
		}
		if (whole && !history.complete()) {
			log.warn(
				{ room: name },
				"a gap in a hosted room is too long: its archive begins anew, before its next event",
			);
			await deps.bridge.beginArchive(matrixNetwork, name as RoomId);
			// People read the messages in the archive. The changes of members, and of the room itself, still count.
			before = before.filter(({ event }) => !isPlace(event));
		}
		return found();
	}

	return {
		/** Retries until `deadline`, in ms since 1970, while the homeserver is busy. @throws TemporaryError after that */
		async read(
			name: string,
			from: Position,
			deadline: number,
			until: ReadonlySet<string> = new Set(),
		): Promise<Found> {
			for (;;)
				try {
					const found = await Promise.race([missing(name, from, until), ended.promise]);
					const count = found.before.length;
					if (count > 0)
						log.info({ room: name, count }, "the backfill found events that no transaction brought");
					return found;
				} catch (error) {
					// The homeserver refuses: we are not in that room any more.
					if (error instanceof MatrixError) return { before: [], behind: [] };
					const again = Math.max(pause, (error instanceof TemporaryError && error.retryAfter) || 0);
					if (stopped || Date.now() + again > deadline) throw error;
					await Promise.race([wait(again), ended.promise]);
				}
		},
		/** Rejects all reading that is under way. */
		stop(): void {
			stopped = true;
			ended.reject(new TemporaryError("stopping"));
		},
	};
}
