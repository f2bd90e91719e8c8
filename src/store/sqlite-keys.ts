import { type Kind, keyKinds } from "../core/dedupe.ts";
import { oldRows, type Statements } from "./sqlite-statements.ts";
import type { EntryText } from "./sqlite-text.ts";

/** The table of dedupe keys; {@link keyKinds} says how long it keeps each kind. */
export function keyTable(statement: Statements) {
	const sql = {
		add: statement("INSERT OR IGNORE INTO keys (key, at) VALUES (?, ?)"),
		known: statement("SELECT 1 FROM keys WHERE key = ?"),
		between: statement("SELECT 1 FROM keys WHERE key BETWEEN ? AND ?"),
		// All later characters of a key are below the tilde.
		forget: statement("DELETE FROM keys WHERE key BETWEEN ?1 AND ?1 || '~'"),
	};
	const prunes = Object.values<Kind>(keyKinds).map((kind) => pruneOf(statement, kind));

	const first = (key: string, at: number) => sql.add.run(key, at).changes > 0;
	const known = (key: string) => sql.known.get(key) !== undefined;

	return {
		/** Notes a key. Returns false if it is known. `at`: the running time in ms. */
		first,
		known,
		/** Notes the keys of an entry. Returns false if the entry is known. */
		isNew({ key, repeats, value }: EntryText, at: number): boolean {
			if (repeats && sql.between.get(repeats.from, repeats.to)) return false;
			if (repeats?.older !== undefined && known(repeats.older)) return false;
			if (value?.standing && known(value.key)) return false;
			if (!first(key, at)) return false;
			if (value) {
				sql.forget.run(value.subject);
				first(value.key, at);
			}
			return true;
		},
		/** Forgets all keys with this beginning. */
		forget(beginning: string): void {
			sql.forget.run(beginning);
		},
		/** Deletes the keys of each kind that are past their bounds, at this running time in ms. */
		prune(at: number): void {
			for (const prune of prunes) prune(at);
		},
	};
}

/** Returns the function that deletes the keys of one kind. */
function pruneOf(statement: Statements, { prefix, age, newest = 0, most }: Kind): (at: number) => void {
	// The unary plus keeps SQLite off the index of the keys: the oldest have the lowest seq.
	const its = prefix === "" ? "instr(key, ' ') = 0" : `+key BETWEEN '${prefix}' AND '${prefix}~'`;
	const old =
		age !== undefined &&
		statement(`${oldRows("keys")} AND seq <= (SELECT max(seq) FROM keys) - ${newest} AND ${its}`);
	const surplus =
		most !== undefined &&
		statement(
			`DELETE FROM keys WHERE seq IN (SELECT seq FROM keys WHERE key BETWEEN '${prefix}' AND '${prefix}~' ORDER BY seq DESC LIMIT -1 OFFSET ${most})`,
		);
	return (at) => {
		if (old) old.run(at - age);
		if (surplus) surplus.run();
	};
}
