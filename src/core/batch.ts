import type { BridgeEvent } from "./event.ts";

/** Returns true if the router asks the journal about earlier events of this event's room. */
function looksBack(event: BridgeEvent): boolean {
	switch (event.kind) {
		case "redaction":
			return true;
		case "message":
			// See `threaded` in references.ts: a message whose thread has its own id may be the first one of that thread.
			return event.thread !== undefined && event.aka?.includes(event.thread.id) === true;
		default:
			return false;
	}
}

/**
 * Splits a batch before each event that looks back, in order, since the router does not find the events of a part in the
 * journal before the whole part is accepted.
 */
export function parts<E extends BridgeEvent>(events: readonly E[]): readonly (readonly E[])[] {
	const found: E[][] = [];
	for (const event of events) {
		const last = found.at(-1);
		if (last && !looksBack(event)) last.push(event);
		else found.push([event]);
	}
	return found;
}
