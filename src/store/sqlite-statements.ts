import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** Prepares statements of one database. What they select is cast once, where it is used, to the columns the SQL names. */
export const statements = (db: DatabaseSync) => (sql: string) => {
	const prepared = db.prepare(sql);
	return {
		run: (...values: SQLInputValue[]) => prepared.run(...values),
		get: (...values: SQLInputValue[]): unknown => prepared.get(...values),
		all: (...values: SQLInputValue[]): unknown => prepared.all(...values),
	};
};
export type Statements = ReturnType<typeof statements>;

// Both scan no further than they delete: the oldest have the lowest seq.

/** Deletes what is older than the time it is run with. */
export const oldRows = (table: string) =>
	`DELETE FROM ${table} WHERE seq < coalesce((SELECT seq FROM ${table} WHERE at >= ? ORDER BY seq LIMIT 1), 9e15)`;

/** Deletes all but the newest `count`. */
export const surplusRows = (table: string, count: number) =>
	`DELETE FROM ${table} WHERE seq <= (SELECT seq FROM ${table} ORDER BY seq DESC LIMIT 1 OFFSET ${count})`;
