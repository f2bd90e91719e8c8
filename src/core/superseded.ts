import { createBoundedMap, textBytes } from "./bounded-map.ts";
import type { NetworkName } from "./ids.ts";
import type { Lane, Row } from "./journal.ts";

/** Things whose newest row is remembered. A row of a forgotten thing goes out, and so does the later one. */
const remembered = 20_000;

/** A row that a later one makes needless, if it still waits. */
export type Superseded = Readonly<{ lane: Lane; seq: number; from: NetworkName }>;

/**
 * Finds the rows that need not go out: a value in the place of an earlier one, when a later value for the same place has
 * come. The row with the first value is none of them: it makes the message that the others change.
 */
export function createSuperseded() {
	const newest = createBoundedMap<string, Superseded>(remembered, {
		bytes: 8 * 1_048_576,
		of: (key) => textBytes(key) + 100,
	});
	return {
		/** Returns the rows that these supersede, and remembers these. */
		by(rows: readonly Row[]): readonly Superseded[] {
			return rows.flatMap(({ lane, seq, event }) => {
				if (event.kind !== "state" || !event.replaces) return [];
				const key = `${lane.portal} ${lane.link}\n${event.room}\n${event.key}\n${event.replaces.id}`;
				const before = newest.get(key);
				newest.set(key, { lane, seq, from: event.sender.network });
				return before ? [before] : [];
			});
		},
	};
}
