import type { Kind } from "./event.ts";
import type { NetworkName } from "./ids.ts";

/**
 * Counts the events of the bridge for its metrics. `waited` is in ms, from the journal to the confirmation. No label names
 * a person, a room or a topic.
 */
export interface Meter {
	/** Counts a received event; `again`: a repeated one, which is not delivered a second time. */
	received(from: NetworkName, kind: Kind, again: boolean): void;
	/** Counts a settled delivery. shown: the target confirmed it. hidden: the target shows nothing of its kind. */
	delivered(from: NetworkName, to: NetworkName, kind: Kind, how: "shown" | "hidden", waited: number): void;
	/** Counts an attempt that failed and will be retried. */
	retried(from: NetworkName): void;
	/** Counts a row that became a dead letter. */
	refused(from: NetworkName, kind: Kind): void;
	/** Counts an event that a rate limit refused. */
	limited(from: NetworkName, kind: Kind): void;
	/** Counts values that were not sent because a later one took their place; absent: one. */
	merged(from: NetworkName, count?: number): void;
	/** Counts a value that a condition of its mirror kept from being shown. `reason`: the condition, one of a few words. */
	filtered(from: NetworkName, reason: string): void;
}

const nothing = () => undefined;
export const noMeter: Meter = {
	received: nothing,
	delivered: nothing,
	retried: nothing,
	refused: nothing,
	limited: nothing,
	filtered: nothing,
	merged: nothing,
};
