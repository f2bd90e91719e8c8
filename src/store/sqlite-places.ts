import { bounds, shareOf } from "./bounds.ts";
import type { numbers } from "./sqlite-numbers.ts";
import type { Statements } from "./sqlite-statements.ts";
import type { Place as Room } from "./sqlite-text.ts";

/**
 * The tables of the archives: the places of each room, numbered without gaps, and for each room whether its first place
 * begins it.
 */
export const placesSchema = `
	CREATE TABLE archives (room INTEGER PRIMARY KEY, begun INTEGER NOT NULL) STRICT;
	CREATE TABLE places (
		room INTEGER NOT NULL, place INTEGER NOT NULL,
		id TEXT NOT NULL, at INTEGER NOT NULL,
		PRIMARY KEY (room, place)
	) STRICT, WITHOUT ROWID;
	CREATE UNIQUE INDEX places_by_id ON places (room, id);
	CREATE INDEX places_by_time ON places (room, at);
`;

export type PlaceText = Readonly<{ id: string; at: number }>;
export type RangeText = Readonly<{
	after?: string;
	before?: string;
	start?: number;
	end?: number;
	limit: number;
	last?: boolean;
}>;
type Bounds = Readonly<{ first: number | null; last: number | null }>;

export function placesTables(statement: Statements, rooms: ReturnType<typeof numbers>) {
	const matching = "room = ? AND place > ? AND place < ? AND at >= ? AND at <= ?";
	const sql = {
		begin: statement("INSERT INTO archives VALUES (?, 0) ON CONFLICT DO NOTHING"),
		begun: statement("UPDATE archives SET begun = ? WHERE room = ?"),
		archive: statement("SELECT begun FROM archives WHERE room = ?"),
		archives: statement("SELECT room FROM archives"),
		bounds: statement(
			"SELECT (SELECT min(place) FROM places WHERE room = ?1) AS first, (SELECT max(place) FROM places WHERE room = ?1) AS last",
		),
		add: statement("INSERT INTO places VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"),
		place: statement("SELECT place FROM places WHERE room = ? AND id = ?"),
		at: statement("SELECT id, at FROM places WHERE room = ? AND place = ?"),
		// The order is almost that of time: the index finds the few places of the last day without a look at all others.
		between: statement(
			`SELECT count(*) AS total, min(place) AS first, max(place) AS last FROM places INDEXED BY places_by_time WHERE ${matching}`,
		),
		first: statement(`SELECT id, at FROM places WHERE ${matching} ORDER BY place LIMIT ?`),
		last: statement(`SELECT id, at FROM places WHERE ${matching} ORDER BY place DESC LIMIT ?`),
		find: statement(
			"SELECT id, at FROM places INDEXED BY places_by_id WHERE room = ?1 AND id IN (SELECT value FROM json_each(?2)) ORDER BY place",
		),
		cut: statement("DELETE FROM places WHERE room = ? AND place < ?"),
		forget: statement("DELETE FROM places WHERE room = ?"),
		forgetArchive: statement("DELETE FROM archives WHERE room = ?"),
	};
	const boundsOf = (room: number) => sql.bounds.get(room) as Bounds;
	const placeOf = (room: number, id: string) =>
		(sql.place.get(room, id) as { place: number } | undefined)?.place;

	return {
		appendPlaces(of: Room, places: readonly PlaceText[]): void {
			const room = rooms.of(of);
			sql.begin.run(room);
			let next = (boundsOf(room).last ?? -1) + 1;
			for (const { id, at } of places) if (sql.add.run(room, next, id, at).changes > 0) next += 1;
		},
		prependPlaces(of: Room, places: readonly PlaceText[], before: string | undefined, begun: boolean): void {
			const room = rooms.of(of);
			if (before !== undefined && placeOf(room, before) === undefined) return;
			sql.begin.run(room);
			if (begun) sql.begun.run(1, room);
			let next = (boundsOf(room).first ?? 0) - 1;
			for (const { id, at } of places.toReversed())
				if (sql.add.run(room, next, id, at).changes > 0) next -= 1;
		},
		matchPlaces(of: Room, { after, before, start, end, limit, last }: RangeText) {
			const room = rooms.find(of);
			const archive = sql.archive.get(room) as { begun: number } | undefined;
			const known = boundsOf(room);
			const from = after === undefined ? (known.first ?? 0) - 1 : placeOf(room, after);
			const to = before === undefined ? (known.last ?? -1) + 1 : placeOf(room, before);
			const first = sql.at.get(room, known.first) as PlaceText | undefined;
			const found = { ...(first && { first }), begun: archive?.begun === 1 };
			if (from === undefined || to === undefined) return { ...found, places: [], more: false, total: 0 };
			const times = [start ?? Number.MIN_SAFE_INTEGER, end ?? Number.MAX_SAFE_INTEGER] as const;
			// The places have no gaps, so a range without times needs no count.
			const match =
				start === undefined && end === undefined
					? { total: Math.max(0, to - from - 1), first: from + 1, last: to - 1 }
					: (sql.between.get(room, from, to, ...times) as Bounds & { total: number });
			const { total } = match;
			const ends = [(match.first ?? 0) - 1, (match.last ?? -1) + 1] as const;
			const places = sql[last ? "last" : "first"].all(room, ...ends, ...times, limit) as PlaceText[];
			if (last) places.reverse();
			return { ...found, places, more: total > places.length, total };
		},
		findPlaces: (of: Room, ids: readonly string[]) =>
			sql.find.all(rooms.find(of), JSON.stringify(ids)) as readonly PlaceText[],
		forgetPlaces(of: Room): void {
			const room = rooms.find(of);
			sql.forget.run(room);
			sql.forgetArchive.run(room);
		},
		/** Deletes the oldest places of the longest archives. */
		prune(): void {
			const archives = (sql.archives.all() as readonly { room: number }[]).map(({ room }) => {
				const { first, last } = boundsOf(room);
				return { room, count: first === null || last === null ? 0 : last - first + 1, last: last ?? 0 };
			});
			const most = shareOf(
				archives.map(({ count }) => count),
				bounds.places,
			);
			for (const { room, count, last } of archives) {
				if (count <= most) continue;
				sql.cut.run(room, last - most + 1);
				sql.begun.run(0, room);
			}
		},
	};
}
