import { bounds } from "./bounds.ts";
import type { numbers } from "./sqlite-numbers.ts";
import { oldRows, type Statements, surplusRows } from "./sqlite-statements.ts";
import type { Place, ReactionText } from "./sqlite-text.ts";

/** The tables of reactions: which of them each room shows. */
export function reactionTables(statement: Statements, rooms: ReturnType<typeof numbers>) {
	const sql = {
		clear: statement("DELETE FROM reactions WHERE room = ? AND message = ? AND sender = ?"),
		add: statement("INSERT INTO reactions (room, message, sender, emoji, id, at) VALUES (?, ?, ?, ?, ?, ?)"),
		of: statement(
			"SELECT emoji, id FROM reactions WHERE room = ? AND message = ? AND sender = ? ORDER BY seq",
		),
		at: statement(
			"SELECT message, sender, emoji FROM reactions WHERE room = ? AND id = ? ORDER BY seq DESC LIMIT 1",
		),
		pruneOld: statement(oldRows("reactions")),
		pruneMany: statement(surplusRows("reactions", bounds.copies.count)),
	};

	return {
		set({ place, message, sender, now }: ReactionText, at: number): void {
			sql.clear.run(rooms.find(place), message, sender);
			for (const { emoji, id } of now) sql.add.run(rooms.of(place), message, sender, emoji, id ?? null, at);
		},
		of: (place: Place, message: string, sender: string) =>
			sql.of.all(rooms.find(place), message, sender) as readonly { emoji: string; id: string | null }[],
		at: (place: Place, id: string) =>
			sql.at.get(rooms.find(place), id) as { message: string; sender: string; emoji: string } | undefined,
		prune(now: number): void {
			sql.pruneOld.run(now - bounds.copies.age);
			sql.pruneMany.run();
		},
	};
}
