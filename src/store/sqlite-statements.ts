import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** Prepares statements of one database. A caller casts the selected row once to the columns that its SQL names. */
export const statements = (db: DatabaseSync) => (sql: string) => {
	const prepared = db.prepare(sql);
	return {
		run: (...values: SQLInputValue[]) => prepared.run(...values),
		get: (...values: SQLInputValue[]): unknown => prepared.get(...values),
		all: (...values: SQLInputValue[]): unknown => prepared.all(...values),
	};
};
export type Statements = ReturnType<typeof statements>;

// Both statements scan no further than they delete: the oldest rows have the lowest seq.

/** Deletes the rows older than the time given as parameter. */
export const oldRows = (table: string) =>
	`DELETE FROM ${table} WHERE seq < coalesce((SELECT seq FROM ${table} WHERE at >= ? ORDER BY seq LIMIT 1), 9e15)`;

/** Deletes all but the newest `count`. */
export const surplusRows = (table: string, count: number) =>
	`DELETE FROM ${table} WHERE seq <= (SELECT seq FROM ${table} ORDER BY seq DESC LIMIT 1 OFFSET ${count})`;
