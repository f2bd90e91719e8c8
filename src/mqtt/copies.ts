import type { Arrival } from "./from-mqtt.ts";
import type { Posted } from "./mailbox.ts";

/** Copies of one message follow each other within this time, in ms. */
const together = 2_000;
/** How many messages without all their copies show that a broker sends none. */
const enough = 2;

type Run = { first: Arrival; subscriptions: number; seen: number; at: number; begins: boolean };

/**
 * COMPAT MQTT 3.1.1 tells the subscription of a message only in MQTT 5. If several subscriptions match, some brokers send
 * one message, and others (Mosquitto) a copy for each of them, one after the other [MQTT-3.3.5-1 of 3.1.1]. This function
 * returns a filter of one connection's messages that returns true for a copy of an earlier one. The filter expects
 * copies of a broker until two messages came without them. If a broker sends no copies, the filter may take some of its
 * first equal messages within two seconds for copies.
 */
export function createCopyFilter(now: () => number = Date.now) {
	let run: Run | undefined;
	let alone = 0;
	let begins = true;

	function end({ seen, subscriptions, begins }: Run): void {
		// The first message of a connection may be the rest of a series that began on the connection before.
		if (subscriptions > 1 && seen % subscriptions > 0 && !begins) alone++;
	}

	return {
		/** `subscriptions`: how many of the session's subscriptions match the message. */
		isCopy(arrival: Posted, subscriptions: number): boolean {
			// A value that waited in the mailbox has no copies, and may come between those of another message.
			if (arrival.superseded !== undefined) return false;
			const at = now();
			if (run && continues(run, arrival, subscriptions, at)) {
				run.seen++;
				run.at = at;
			} else {
				if (run) end(run);
				run = { first: arrival, subscriptions, seen: 1, at, begins };
				begins = false;
			}
			return alone < enough && subscriptions > 1 && (run.seen - 1) % subscriptions > 0;
		},
		/** The connection is read again after a pause, which does not count as time between copies. */
		resumed(): void {
			if (run) run.at = now();
		},
	};
}

const continues = ({ first, subscriptions, at }: Run, next: Arrival, matching: number, now: number) =>
	now - at <= together &&
	matching === subscriptions &&
	next.topic === first.topic &&
	next.qos === first.qos &&
	Buffer.compare(next.payload, first.payload) === 0;
