import { PermanentError } from "./errors.ts";
import type { Hosting, Place, Range, Views } from "./hosting.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Person } from "./person.ts";
import type { Matches, Places } from "./places.ts";
import { createTurns } from "./turns.ts";

/** Places of one reading from the source, and the readings for one request. */
const [pageSize, mostPages] = [200, 5];
/** Ids that one request looks up in the source. */
const mostLookedUp = 20;

const nothing: Matches = { places: [], more: false, total: 0, begun: false };

/** Returns the places of a reading that a range matches: those behind `after`, or all if `after` is none of them. */
function matching(read: readonly Place[], { after, start = -Infinity, end = Infinity }: Range) {
	const from = read.findIndex(({ id }) => id === after) + 1;
	return read.slice(from).filter(({ at }) => at >= start && at <= end);
}

/**
 * Creates the archives of source rooms. Their order in the journal is that of the timeline as it came in. An earlier part
 * has the order of the source, and is read from there when somebody asks for it.
 */
export function createArchive(deps: {
	places: Places;
	source(of: NetworkName): Hosting;
}): Pick<Views, "places" | "find"> {
	const { places, source } = deps;
	/** A reading of a room waits for the one before it, and then often finds its part in the journal. */
	const inTurn = createTurns();

	/** Resolves with the places before `before` that the reader may see. */
	async function earlier(of: NetworkName, room: RoomId, before: MessageId | undefined, reader: Person) {
		try {
			return await source(of).earlier(room, before, pageSize, reader);
		} catch (error) {
			if (!(error instanceof PermanentError)) throw error;
			return { places: [], end: true, whole: false };
		}
	}

	/**
	 * Reads the part before the first place of the journal, and puts it there if it is the same for everybody. Resolves
	 * with it otherwise: what one reader may see can have gaps that others do not have.
	 */
	const extend = (of: NetworkName, room: RoomId, first: MessageId | undefined, reader: Person) =>
		inTurn([`${of} ${room}`], async () => {
			const now = await places.match(of, room, { limit: 0 });
			if (now.first?.id !== first) return undefined;
			const part = await earlier(of, room, first, reader);
			if (!part.whole) return part;
			await places.prepend(of, room, part.places, first, part.end);
			return undefined;
		});

	return {
		async places(of, room, range, reader) {
			const { after, before, start, last = false, limit } = range;
			const has = async (id: MessageId | undefined) =>
				id === undefined || (await places.find(of, room, [id])).length > 0;
			const hasBefore = await has(before);
			const { after: _, ...sinceFirst } = range;
			/**
			 * The places before those of the journal, or before a `before` that
			 * it does not have, as this reader alone sees them.
			 */
			let read: readonly Place[] = [];
			let isAllRead = false;
			for (let pages = 0; ; pages += 1) {
				const isAfterRead = read.some(({ id }) => id === after);
				const known = hasBefore ? await places.match(of, room, isAfterRead ? sinceFirst : range) : nothing;
				const own = matching(read, range);
				const all = [...own, ...known.places];
				const total = own.length + known.total;
				const first = read[0] ?? known.first;
				// The part that was just put into the journal may have it.
				const isAfterFound = after !== undefined && (isAfterRead || (await has(after)));
				const isReached =
					isAfterFound ||
					isAllRead ||
					(read.length === 0 && known.begun) ||
					(start !== undefined && first !== undefined && first.at < start) ||
					(last && after === undefined && total > limit);
				if (isReached || pages === mostPages) {
					if (after !== undefined && !isAfterFound) return { places: [], complete: isReached, total: 0 };
					// The first places that match may precede all that was read.
					if (!isReached && !last) return { places: [], complete: false, total };
					const shown = last ? all.slice(Math.max(0, all.length - limit)) : all.slice(0, limit);
					return { places: shown, complete: isReached && total <= limit, total };
				}
				const part =
					hasBefore && read.length === 0
						? await extend(of, room, known.first?.id, reader)
						: await earlier(of, room, first?.id ?? before, reader);
				if (!part) continue;
				read = [...part.places, ...read];
				isAllRead = part.end;
			}
		},

		async find(of, room, ids, reader) {
			const known = await places.find(of, room, ids);
			const unknown = ids.filter((id) => !known.some((place) => place.id === id)).slice(0, mostLookedUp);
			if (unknown.length === 0) return known;
			const events = await source(of).events(room, unknown, reader);
			const older = [...events]
				.filter(([, { what }]) => what.kind === "said" || what.kind === "deleted")
				.map(([id, { at }]): Place => ({ id, at }))
				.sort((a, b) => a.at - b.at);
			return [...older, ...known];
		},
	};
}
