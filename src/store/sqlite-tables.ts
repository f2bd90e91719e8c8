import type { DatabaseSync } from "node:sqlite";
import { deletedKey, goneKey, valuesOf } from "../core/dedupe.ts";
import { bounds, ranFor } from "./bounds.ts";
import { heldTable } from "./sqlite-held.ts";
import { keyTable } from "./sqlite-keys.ts";
import { numbers, type Pair } from "./sqlite-numbers.ts";
import { placesTables } from "./sqlite-places.ts";
import { reactionTables } from "./sqlite-reactions.ts";
import { sharedTable } from "./sqlite-shared.ts";
import { oldRows, statements, surplusRows } from "./sqlite-statements.ts";
import type { EntryText, Place, RowText, StoredCopy, StoredRow } from "./sqlite-text.ts";

/** The place of a message: its network, room and own id. */
type Origin = Readonly<{ room: number; id: string }>;

/** Returns the journal's calls as plain statements; the worker runs them inside its transactions. */
export function journalTables(db: DatabaseSync) {
	const statement = statements(db);
	const row =
		"seq, operation, trace, lanes.portal, lanes.link, attempts, queued_at AS queuedAt, event, request";
	/** A message and the events that change it; the journal knows those by further ids of the message. */
	const ofMessage =
		"origin_room = ?1 AND origin_id IN (SELECT ?2 UNION ALL SELECT id FROM copies WHERE room = ?1 AND origin_room = ?1 AND origin_id = ?2)";
	const sql = {
		row: statement(
			"INSERT INTO rows (operation, trace, lane, attempts, queued_at, origin_room, origin_id, event, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		),
		join: statement(
			"INSERT INTO members (room, person_network, person_id, person) VALUES (?, ?, ?, ?) ON CONFLICT (room, person_network, person_id) DO UPDATE SET person = excluded.person",
		),
		leave: statement("DELETE FROM members WHERE room = ? AND person_network = ? AND person_id = ?"),
		room: statement("SELECT room AS number FROM rooms WHERE network = ? AND name = ?"),
		lane: statement("SELECT lane AS number FROM lanes WHERE portal = ? AND link = ?"),
		newLane: statement("INSERT INTO lanes (portal, link) VALUES (?, ?)"),
		newRoom: statement("INSERT INTO rooms (network, name) VALUES (?, ?)"),
		cursor: statement("SELECT value FROM cursors WHERE key = ?"),
		// No character is above U+10FFFF.
		cursors: statement(
			"SELECT key, value FROM cursors WHERE key >= ?1 AND key < ?1 || char(0x10ffff) ORDER BY key",
		),
		setCursor: statement("INSERT OR REPLACE INTO cursors VALUES (?, ?)"),
		removeCursor: statement("DELETE FROM cursors WHERE key = ?"),
		// The index alone gives the count; SQLite reads only the first row of each lane.
		lanes: statement(`SELECT portal, link, depth, (SELECT queued_at FROM rows WHERE seq = first) AS oldest
			FROM (SELECT lane, count(*) AS depth, min(seq) AS first FROM rows GROUP BY lane) JOIN lanes USING (lane)
			ORDER BY first`),
		rows: statement(
			`SELECT ${row} FROM rows JOIN lanes USING (lane) WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?`,
		),
		attempt: statement(
			"UPDATE rows SET attempts = attempts + ?, request = coalesce(?, request) WHERE seq = ?",
		),
		keep: statement("UPDATE rows SET request = ? WHERE seq = ?"),
		release: statement("UPDATE rows SET attempts = attempts - 1 WHERE seq = ? AND attempts > 0"),
		bury: statement(
			"INSERT INTO dead SELECT *, ?, ?, (SELECT coalesce(max(died), 0) + 1 FROM dead) FROM rows WHERE seq = ?",
		),
		remove: statement("DELETE FROM rows WHERE seq = ?"),
		expire: statement("DELETE FROM rows WHERE seq = ? AND attempts = 0"),
		waiting: statement(
			`SELECT ${row} FROM rows JOIN lanes USING (lane) WHERE ${ofMessage} AND attempts = 0 ORDER BY seq`,
		),
		inDoubt: statement(`SELECT 1 FROM rows WHERE ${ofMessage} AND attempts > 0`),
		unsent: statement("SELECT origin_room AS room, origin_id AS id FROM rows WHERE seq = ? AND attempts = 0"),
		removeDead: statement(`DELETE FROM dead WHERE ${ofMessage}`),
		letters: statement("SELECT seq FROM dead WHERE lane = coalesce(?, lane) ORDER BY died LIMIT ?"),
		revive: statement(
			"INSERT INTO rows (operation, trace, lane, attempts, queued_at, origin_room, origin_id, event) SELECT operation, trace, lane, attempts, ?, origin_room, origin_id, event FROM dead WHERE seq = ?",
		),
		revived: statement("DELETE FROM dead WHERE seq = ?"),
		bySeq: statement(`SELECT ${row} FROM rows JOIN lanes USING (lane) WHERE seq = ?`),
		copy: statement(
			"INSERT OR REPLACE INTO copies (room, id, origin_room, origin_id, at) VALUES (?, ?, ?, ?, ?)",
		),
		isOwn: statement(
			["rows", "copies", "held"]
				.map((table) => `SELECT 1 FROM ${table} WHERE origin_room = ?1 AND origin_id = ?2`)
				.join(" UNION ALL "),
		),
		origin: statement("SELECT origin_room AS room, origin_id AS id FROM copies WHERE room = ? AND id = ?"),
		copies: statement(
			"SELECT network, name AS room, id FROM copies JOIN rooms USING (room) WHERE origin_room = ? AND origin_id = ? ORDER BY seq",
		),
		roomName: statement("SELECT network, name AS room FROM rooms WHERE room = ?"),
		members: statement("SELECT person FROM members WHERE room = ? ORDER BY seq"),
		forget: statement("DELETE FROM members WHERE room = ?"),
		dead: statement(
			`SELECT ${row}, reason, died_at AS diedAt FROM dead JOIN lanes USING (lane) WHERE portal = coalesce(?, portal) ORDER BY died DESC LIMIT ?`,
		),
		stats: statement(
			"SELECT (SELECT count(*) FROM rows) AS waiting, (SELECT queued_at FROM rows ORDER BY seq LIMIT 1) AS oldest, (SELECT count(*) FROM dead) AS dead, (SELECT count(*) FROM held) AS held",
		),
		running: statement("SELECT value FROM meta WHERE name = 'running'"),
		setRunning: statement("UPDATE meta SET value = ? WHERE name = 'running'"),
		pruneOldCopies: statement(oldRows("copies")),
		pruneManyCopies: statement(surplusRows("copies", bounds.copies.count)),
		pruneDead: statement("DELETE FROM dead WHERE died_at < ?"),
		pruneManyDead: statement(
			`DELETE FROM dead WHERE died <= (SELECT died FROM dead ORDER BY died DESC LIMIT 1 OFFSET ${bounds.dead.count})`,
		),
	};

	let running = (sql.running.get() as { value: number }).value;
	let pruned: number | undefined;

	const rooms = numbers(sql.room, sql.newRoom);
	const lanes = numbers(sql.lane, sql.newLane);
	const reactions = reactionTables(statement, rooms);
	const keys = keyTable(statement);
	const held = heldTable(statement, rooms, ofMessage);
	const shared = sharedTable(statement);
	const { prune: prunePlaces, ...places } = placesTables(statement, rooms);

	/** Returns the messages that a further id (`aka`) or a shared id names, and no more than three of them. */
	function called({ room, id }: Origin): readonly Origin[] {
		const known = sql.origin.get(room, id) as Origin | undefined;
		const others = shared
			.named(room, id)
			.filter((one) => known === undefined || known.room !== room || known.id !== one)
			.map((one) => ({ room, id: one }));
		return [...(known ? [known] : []), ...others];
	}
	/** Returns the message that an id names. A message's own id wins over the further ids of another message. */
	function family(asked: Origin) {
		const own = sql.copies.all(asked.room, asked.id) as readonly StoredCopy[];
		const [one = asked, ...more] = own.length > 0 ? [asked] : called(asked);
		const origin = more.length > 0 ? asked : one;
		const copies = origin === asked ? own : (sql.copies.all(origin.room, origin.id) as readonly StoredCopy[]);
		return { origin, copies, several: more.length > 0 };
	}
	const originOf = ([, , , , network, room, id]: RowText): Origin => ({
		room: rooms.of([network, room]),
		id,
	});
	function queue(text: RowText, now: number): number {
		const [operation, trace, portal, link, network, room, id, event, attempts, request] = text;
		const origin = rooms.of([network, room]);
		return Number(
			sql.row.run(operation, trace, lanes.of([portal, link]), attempts, now, origin, id, event, request)
				.lastInsertRowid,
		);
	}
	function alsoKnown({ room, id }: Origin, aka: string, now: number): void {
		if (sql.isOwn.get(room, aka)) return;
		const holder = sql.origin.get(room, aka) as Origin | undefined;
		if ((holder?.room ?? room) === room) sql.copy.run(room, aka, room, id, now);
	}
	/** Returns the message that another one changes; undefined where the journal does not know it. */
	function changed(of: Origin): Origin | undefined {
		const { room, id } = family(of).origin;
		return sql.isOwn.get(room, id) ? { room, id } : undefined;
	}
	const mergeInto = (into: string, [, , , , network, room, , event]: RowText) =>
		held.merge([network, room], into, event);
	/** Removes a row whose message was deleted while the row was in doubt, if the row turned out to be unsent. */
	function cancelUnsent(seq: number): void {
		const own = sql.unsent.get(seq) as Origin | undefined;
		if (!own) return;
		const { room, id } = family(own).origin;
		const { network, room: name } = sql.roomName.get(room) as { network: string; room: string };
		if (!keys.known(deletedKey(network, name, id))) return;
		sql.remove.run(seq);
		keys.first(goneKey(network, name, id), running);
	}

	return {
		/** Drops the caches, which a rollback has made stale. */
		rolledBack(): void {
			rooms.forget();
			lanes.forget();
			running = (sql.running.get() as { value: number }).value;
		},
		calls: {
			/**
			 * Returns the seq of the first row of each entry, whose other rows follow it; 0 for an entry with a known key, and
			 * for one that was merged with a held event.
			 */
			accept(entries: readonly EntryText[], now: number): readonly number[] {
				return entries.map((entry) => {
					const {
						rows,
						held: later = [],
						into,
						aka = [],
						shared: chosen = [],
						of,
						cursor,
						reaction,
						member,
					} = entry;
					if (cursor) sql.setCursor.run(cursor.key, cursor.value);
					if (!keys.isNew(entry, running)) return 0;
					if (member?.present) sql.join.run(rooms.of(member.place), member.network, member.id, member.person);
					else if (member) sql.leave.run(rooms.of(member.place), member.network, member.id);
					if (reaction) reactions.set(reaction, now);
					const any = rows[0] ?? later[0];
					const own = any && originOf(any);
					const original = own && of !== undefined ? changed({ room: own.room, id: of }) : undefined;
					// Claim the id before the rows exist: from now on it names this message only.
					if (own && original) alsoKnown(original, own.id, now);
					let last = 0;
					for (const row of rows) last = queue(row, now);
					const changes = later[0] && into !== undefined && mergeInto(into, later[0]);
					if (later.length > 0 && !changes) held.hold(later);
					if (own) for (const id of aka) alsoKnown(original ?? own, id, now);
					if (own && chosen.length > 0) shared.note(own.room, (original ?? own).id, chosen, now);
					return changes ? 0 : last - rows.length + 1;
				});
			},
			held: held.page,
			/** `events`: the place and id of each. */
			enter(events: readonly (readonly [Place, string])[], now: number): readonly StoredRow[] {
				return events.flatMap(([place, id]) =>
					held.take(place, id).map((text): StoredRow => {
						const [operation, trace, portal, link, , , , event, attempts, request] = text;
						return {
							...{ seq: queue(text, now), operation, trace, portal, link },
							...{ attempts, queuedAt: now, event, request },
						};
					}),
				);
			},
			once: (key: string): boolean => keys.first(key, running),
			cursor: (key: string) => (sql.cursor.get(key) as { value: string } | undefined)?.value,
			cursors: (prefix: string) => sql.cursors.all(prefix) as readonly { key: string; value: string }[],
			saveCursor: (key: string, value?: string): void => {
				if (value === undefined) sql.removeCursor.run(key);
				else sql.setCursor.run(key, value);
			},
			lanes: () =>
				sql.lanes.all() as readonly { portal: string; link: string; depth: number; oldest: number }[],
			rows: (portal: string, link: string, after: number, limit: number) =>
				sql.rows.all(lanes.find([portal, link]), after, limit) as readonly StoredRow[],
			attempt: (seq: number, more: number, request: string | null): boolean =>
				sql.attempt.run(more, request, seq).changes > 0,
			keep: (seq: number, request: string): void => {
				sql.keep.run(request, seq);
			},
			release(seqs: readonly number[]): void {
				for (const seq of seqs) if (sql.release.run(seq).changes > 0) cancelUnsent(seq);
			},
			/** `change`: the row changes a message, and its ids belong to that message. */
			done(
				seq: number,
				place: Place,
				id: string,
				change: boolean,
				target: Place,
				ids: readonly string[],
				now: number,
			): void {
				if (sql.remove.run(seq).changes === 0) return;
				const own = { room: rooms.of(place), id };
				const origin = change ? family(own).origin : own;
				for (const copy of ids) sql.copy.run(rooms.of(target), copy, origin.room, origin.id, now);
			},
			expire: (seq: number): boolean => sql.expire.run(seq).changes > 0,
			refuse(seq: number, reason: string, now: number): void {
				sql.bury.run(reason, now, seq);
				sql.remove.run(seq);
			},
			cancel(place: Place, id: string): readonly StoredRow[] {
				const { origin } = family({ room: rooms.find(place), id });
				const cancelled = sql.waiting.all(origin.room, origin.id) as readonly StoredRow[];
				for (const { seq } of cancelled) sql.remove.run(seq);
				const heldBack = held.cancel(origin.room, origin.id);
				sql.removeDead.run(origin.room, origin.id);
				if (sql.inDoubt.get(origin.room, origin.id)) keys.first(deletedKey(...place, origin.id), running);
				const all = [...cancelled, ...heldBack];
				if (all.length > 0) keys.first(goneKey(...place, origin.id), running);
				return all;
			},
			gone(place: Place, id: string): boolean {
				const { origin } = family({ room: rooms.find(place), id });
				return keys.known(goneKey(...place, origin.id));
			},
			copies(place: Place, id: string): readonly StoredCopy[] {
				const { origin, copies, several } = family({ room: rooms.find(place), id });
				if (several) return [{ network: place[0], room: place[1], id }];
				if (copies.length === 0) return [];
				const where = sql.roomName.get(origin.room) as { network: string; room: string };
				return [{ ...where, id: origin.id }, ...copies];
			},
			...places,
			reactions: reactions.of,
			setReactions: reactions.set,
			reactionAt: reactions.at,
			members: (place: Place) =>
				(sql.members.all(rooms.find(place)) as readonly { person: string }[]).map(({ person }) => person),
			forget: (place: Place): void => {
				sql.forget.run(rooms.find(place));
				keys.forget(valuesOf(...place));
			},
			dead: (limit: number, of?: string) =>
				sql.dead.all(of ?? null, limit) as readonly (StoredRow & { reason: string; diedAt: number })[],
			revive(lane: Pair | undefined, limit: number, now: number): readonly StoredRow[] {
				const letters = sql.letters.all(lane ? lanes.find(lane) : null, limit) as readonly { seq: number }[];
				return letters.map(({ seq }) => {
					const { lastInsertRowid } = sql.revive.run(now, seq);
					sql.revived.run(seq);
					return sql.bySeq.get(lastInsertRowid) as StoredRow;
				});
			},
			stats: () => sql.stats.get() as { waiting: number; oldest: number | null; dead: number; held: number },
			prune(now: number): void {
				running += ranFor(pruned, now);
				pruned = now;
				sql.setRunning.run(running);
				keys.prune(running);
				sql.pruneOldCopies.run(now - bounds.copies.age);
				sql.pruneManyCopies.run();
				reactions.prune(now);
				shared.prune(now);
				prunePlaces();
				sql.pruneDead.run(now - bounds.dead.age);
				sql.pruneManyDead.run();
			},
		},
	};
}

export type Calls = ReturnType<typeof journalTables>["calls"];
