import type { BridgeEvent } from "../core/event.ts";
import { merged } from "../core/merged.ts";
import type { numbers } from "./sqlite-numbers.ts";
import type { Statements } from "./sqlite-statements.ts";
import type { HeldTarget, Place, RowText, StoredHeld, StoredRow } from "./sqlite-text.ts";

/** Returns the row of a lane for one target of a held event. */
const rowText = (place: Place, { id, event }: StoredHeld, target: HeldTarget): RowText => {
	const [operation, trace, portal, link, request] = target;
	return [operation, trace, portal, link, ...place, id, event, 0, request];
};

/** Returns the calls for held rows. `ofMessage`: the condition for a message, its room and id, and the events that change it. */
export function heldTable(statement: Statements, rooms: ReturnType<typeof numbers>, ofMessage: string) {
	const held = "seq, origin_room AS room, origin_id AS id, event, targets";
	const sql = {
		hold: statement("INSERT INTO held (origin_room, origin_id, event, targets) VALUES (?, ?, ?, ?)"),
		at: statement(`SELECT ${held} FROM held WHERE origin_room = ? AND origin_id = ? ORDER BY seq`),
		page: statement(`SELECT ${held} FROM held WHERE seq > ? ORDER BY seq LIMIT ?`),
		ids: statement(
			"SELECT id FROM (SELECT 1 AS part, seq, id FROM copies WHERE origin_room = ?1 AND origin_id = ?2 AND room = ?1 UNION ALL SELECT 2, seq, id FROM shared WHERE room = ?1 AND origin_id = ?2) ORDER BY part, seq",
		),
		ofMessage: statement(`SELECT ${held} FROM held WHERE ${ofMessage} ORDER BY seq`),
		replace: statement("UPDATE held SET event = ? WHERE seq = ?"),
		remove: statement("DELETE FROM held WHERE seq = ?"),
	};
	const at = ([network, room]: Place, id: string) =>
		sql.at.all(rooms.find([network, room]), id) as readonly StoredHeld[];
	const targetsOf = ({ targets }: StoredHeld) => JSON.parse(targets) as readonly HeldTarget[];

	return {
		/** Holds the rows of one event. */
		hold(rows: readonly RowText[]): void {
			const [, , , , network, room, id, event] = rows[0] as RowText;
			const targets = rows.map(([operation, trace, portal, link, , , , , , request]): HeldTarget => {
				return [operation, trace, portal, link, request];
			});
			sql.hold.run(rooms.of([network, room]), id, event, JSON.stringify(targets));
		},
		/** Returns true if the held event has got the content of the later `event`, false if it is not held. */
		merge(place: Place, into: string, event: string): boolean {
			const found = at(place, into);
			for (const one of found) {
				const now = merged(JSON.parse(one.event) as BridgeEvent, JSON.parse(event) as BridgeEvent);
				sql.replace.run(JSON.stringify(now), one.seq);
			}
			return found.length > 0;
		},
		/** Removes the held rows of an event; returns them as rows of their lanes. */
		take(place: Place, id: string): readonly RowText[] {
			return at(place, id).flatMap((one) => {
				sql.remove.run(one.seq);
				return targetsOf(one).map((target) => rowText(place, one, target));
			});
		},
		/** Removes the held rows of a message and of the events that change it, and returns them. */
		cancel(room: number, id: string): readonly StoredRow[] {
			return (sql.ofMessage.all(room, id) as readonly StoredHeld[]).flatMap((one) => {
				sql.remove.run(one.seq);
				return targetsOf(one).map(([operation, trace, portal, link, request]): StoredRow => {
					const row = { seq: 0, operation, trace, portal, link, attempts: 0, queuedAt: 0 };
					return { ...row, event: one.event, request, held: true };
				});
			});
		},
		page: (after: number, limit: number) =>
			(sql.page.all(after, limit) as readonly StoredHeld[]).map(({ seq, room, id, event }) => ({
				seq,
				event,
				ids: (sql.ids.all(room, id) as readonly { id: string }[]).map((copy) => copy.id),
			})),
	};
}
