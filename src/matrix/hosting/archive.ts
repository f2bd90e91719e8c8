import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { PermanentError } from "../../core/errors.ts";
import type { Hosting, Place, Seen } from "../../core/hosting.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { type Client, MatrixError } from "../client.ts";
import { isEvent, isId, type MatrixEvent } from "../event.ts";
import type { EventCache } from "../event-cache.ts";
import { timeOf } from "../from-matrix.ts";
import type { Ghosts } from "../ghosts.ts";
import * as phrases from "../phrases.ts";
import type { EventStore } from "./event-store.ts";
import { deletedIn, isPlace, redactionOf } from "./places.ts";
import { seenIn } from "./timeline.ts";

/** Events of one request that are asked for at once. */
const atOnce = 10;
/** Events that are worth the reading of a page, which costs two requests, and the further events on that page. */
const [worthPage, others] = [4, 20];
/** The most pages that one request reads backwards, and the most and the least events on a page. */
const [pages, pageSize, leastPage] = [10, 100, 20];
/** Positions that are remembered, and their bytes: the next request goes on where the last one ended. */
const [positions, bytes] = [5_000, 4 * 1_048_576];
/** How long, in ms, the homeserver may take for a page. */
const timeout = 10_000;
/** An archive has no joins and leaves, of which a large room has thousands in a row. */
const filter = JSON.stringify({ not_types: ["m.room.member"] });

/** Reads the archive of hosted rooms from the homeserver, as the ghost of the person who asks. */
export function createArchive(deps: {
	client: Pick<Client, "messages" | "context">;
	ghosts: Pick<Ghosts, "known">;
	eventCache: Pick<EventCache, "around">;
	store: EventStore;
	/** Resolves with true if all members may read, and ever might, what is said in the room. */
	alwaysOpen(room: string, as: string): Promise<boolean>;
	/** Resolves with a ghost in the room. */
	speaker(room: RoomId): Promise<string | undefined>;
	/** Resolves with the person of an MXID under their name in a room. */
	personOf(mxid: string, room: string): Promise<Person>;
}): Pick<Hosting, "events" | "earlier"> {
	const { client, ghosts, eventCache, store, alwaysOpen, personOf, speaker } = deps;
	/** The token of the page that begins before an event, by room, reader and event: not all readers may see it. */
	const tokens = createBoundedMap<string, string>(positions, {
		bytes,
		of: (key, token) => textBytes(key, token),
	});

	/** Resolves with what an archive shows of an event to a reader; undefined if that is nothing. */
	async function shown(event: MatrixEvent, reader: string): Promise<Seen | undefined> {
		if (!isPlace(event)) return undefined;
		const around = await eventCache.around(event, reader, (room, id) => store.find(room, id, reader));
		const because = redactionOf(event);
		if (because) return deletedIn(event, because, await personOf(because.sender, event.room_id), around);
		return seenIn(event, { ...around, before: () => undefined });
	}

	/**
	 * Reads a page that ends with the last of these events, and most often has all of them: alone, each would cost a
	 * request. The order of the page is not that of the archive, so it may lack some. Resolves with the events that the
	 * reader may not see: the page has them for another ghost alone.
	 */
	async function readPage(
		room: RoomId,
		ids: readonly MessageId[],
		ghost: string,
	): Promise<ReadonlySet<string>> {
		const hidden = new Set<string>();
		const unread = () => ids.filter((id) => !store.has(room, id, ghost));
		const last = unread().at(-1);
		if (last === undefined || unread().length < worthPage) return hidden;
		const speaks = await speaker(room);
		const other = speaks === ghost ? undefined : speaks;
		const from = (await startAt(room, last, ghost)) ?? (other && (await startAt(room, last, other)));
		if (from === undefined) return hidden;
		const limit = Math.min(pageSize, unread().length + others);
		const page = async (as: string) => {
			const { chunk } = await client.messages(room, { limit, from, filter, timeout, as });
			return chunk.filter(isEvent);
		};
		const shown = await page(ghost);
		for (const event of shown) store.read(ghost, event);
		if (other === undefined || unread().length < worthPage) return hidden;
		for (const { event_id: id } of await page(other))
			if (!shown.some((event) => event.event_id === id)) hidden.add(id);
		return hidden;
	}

	async function events(
		room: RoomId,
		ids: readonly MessageId[],
		reader: Person,
	): Promise<ReadonlyMap<MessageId, Seen>> {
		const ghost = await ghosts.known(reader);
		const found = new Map<MessageId, Seen>();
		if (ghost === undefined) return found;
		const asked = ids.filter(isId);
		const hidden = await readPage(room, asked, ghost).catch((error: unknown) => {
			// The ghost is not in the room.
			if (error instanceof MatrixError) return new Set<string>();
			throw error;
		});
		const queue = asked.filter((id) => !hidden.has(id));
		const work = async () => {
			for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
				const event = await store.find(room, id, ghost);
				const seen = event && (await shown(event, ghost));
				if (seen) found.set(id, seen);
			}
		};
		await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, work));
		return found;
	}

	/** Resolves with the token of the page that begins with an event, or before it; undefined if the ghost may not see it. */
	async function startAt(room: RoomId, id: MessageId, ghost: string): Promise<string | undefined> {
		const known = tokens.get(`${room} ${ghost} ${id}`);
		if (known !== undefined) return known;
		try {
			return (await client.context(room, id, ghost)).end;
		} catch (error) {
			if (error instanceof MatrixError) return undefined;
			throw error;
		}
	}

	async function earlier(room: RoomId, before: MessageId | undefined, limit: number, reader: Person) {
		const ghost = await ghosts.known(reader);
		const isKnown = tokens.has(`${room} ${ghost} ${before}`);
		let from = before && ghost ? await startAt(room, before, ghost) : undefined;
		if (ghost === undefined || (before && from === undefined))
			throw new PermanentError("not-found", phrases.notInArchive);
		const places: Place[] = [];
		const open = await alwaysOpen(room, ghost);
		let [visible, complete, atStart] = [false, true, false];
		/** The newest event of those that were read, which need not be a place. */
		let newest: MessageId | undefined = before;
		for (let page = 0; page < pages && !atStart; page++) {
			// The page at which a place is looked up begins with its event.
			const more = limit - places.length + (page === 0 && before && !isKnown ? 1 : 0);
			const size = Math.min(pageSize, Math.max(more, leastPage));
			const { chunk, end } = await client.messages(room, { limit: size, from, filter, timeout, as: ghost });
			const known = chunk.filter(isEvent).filter(({ event_id: id }) => id !== before);
			visible ||= known.length > 0;
			// The homeserver leaves out of a page what the reader may not see.
			complete &&= chunk.length === size;
			for (const event of known) store.read(ghost, event);
			for (const event of known.filter(isPlace))
				places.push({ id: event.event_id as MessageId, at: timeOf(event) });
			[from, atStart] = [end, end === undefined];
			const isFirst = newest === undefined;
			newest ??= known[0]?.event_id as MessageId | undefined;
			// An earlier request may have found no place behind this event for many pages.
			if (isFirst && places.length === 0) from = tokens.get(`${room} ${ghost} ${newest}`) ?? from;
			const whole = open || complete;
			// The next request reads the places beyond the limit again.
			if (places.length > limit) return { places: places.slice(0, limit).reverse(), end: false, whole };
			const oldest = places.at(-1)?.id ?? newest;
			if (from !== undefined && oldest !== undefined) tokens.set(`${room} ${ghost} ${oldest}`, from);
			if (places.length === limit) break;
		}
		// All that a homeserver leaves out of many pages precedes what the reader may see.
		const end = atStart || (!visible && places.length === 0);
		return { places: places.reverse(), end, whole: open || complete };
	}

	return { events, earlier };
}
