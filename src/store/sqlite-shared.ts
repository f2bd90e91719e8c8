import { bounds } from "./bounds.ts";
import { oldRows, type Statements } from "./sqlite-statements.ts";

/**
 * The table of shared ids: those that senders chose for their messages, of the last messages of each room. `number` counts
 * the messages of a room.
 */
export const sharedSchema = `
	CREATE TABLE shared (
		seq INTEGER PRIMARY KEY,
		room INTEGER NOT NULL, number INTEGER NOT NULL,
		id TEXT NOT NULL, origin_id TEXT NOT NULL,
		at INTEGER NOT NULL
	) STRICT;
	CREATE INDEX shared_by_id ON shared (room, id);
	CREATE INDEX shared_by_number ON shared (room, number);
`;

export function sharedTable(statement: Statements) {
	const sql = {
		last: statement("SELECT max(number) AS number FROM shared WHERE room = ?"),
		add: statement("INSERT INTO shared (room, number, id, origin_id, at) VALUES (?, ?, ?, ?, ?)"),
		forget: statement("DELETE FROM shared WHERE room = ? AND number <= ?"),
		named: statement("SELECT DISTINCT origin_id AS id FROM shared WHERE room = ? AND id = ? LIMIT 2"),
		pruneOld: statement(oldRows("shared")),
	};

	return {
		/** Notes the shared ids of one more message of a room. */
		note(room: number, origin: string, ids: readonly string[], now: number): void {
			const number = ((sql.last.get(room) as { number: number | null }).number ?? 0) + 1;
			for (const id of ids) sql.add.run(room, number, id, origin, now);
			sql.forget.run(room, number - bounds.shared.count);
		},
		/** Returns the messages of a room that have this shared id, and no more than two of them. */
		named: (room: number, id: string): readonly string[] =>
			(sql.named.all(room, id) as readonly { id: string }[]).map((one) => one.id),
		prune: (now: number): void => {
			sql.pruneOld.run(now - bounds.copies.age);
		},
	};
}
