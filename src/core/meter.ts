import type { Kind } from "./event.ts";
import type { NetworkName } from "./ids.ts";

/**
 * Told of what happens to events, so that it can be counted. `waited` in ms, from the disk to the confirmation.
 * Nothing here names a person, a room or a topic.
 */
export interface Meter {
	/** An event came in; `again`: it was known, and is not delivered a second time. */
	received(from: NetworkName, kind: Kind, again: boolean): void;
	/** shown: it is there. hidden: the room there shows nothing of its kind. */
	delivered(from: NetworkName, to: NetworkName, kind: Kind, how: "shown" | "hidden", waited: number): void;
	/** An attempt failed, and will be repeated. */
	retried(from: NetworkName): void;
	/** It was given up and is a dead letter now. */
	refused(from: NetworkName, kind: Kind): void;
	/** A limit kept it from being delivered. */
	limited(from: NetworkName, kind: Kind): void;
}

const nothing = () => undefined;
export const noMeter: Meter = {
	received: nothing,
	delivered: nothing,
	retried: nothing,
	refused: nothing,
	limited: nothing,
};
