import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import type { MessageId } from "../core/ids.ts";
import { createRateLimit, type Rate } from "../core/limits.ts";
import type { Arrival, Placed } from "./from-mqtt.ts";

/**
 * How the values of a topic go on in a flood. each: one by one. latest: a later value takes the place of one that waits,
 * and a topic is shown once a second. digest: values above the rate of the broker wait and become one line.
 */
export type Pace = "each" | "latest" | "digest";

/** The latest value of a topic, which waits and stands for the values before it. */
export type Waiting = {
	/** The id under which the latest value is shown. */
	readonly id: MessageId;
	/** The time of the first value, and the earliest time at which the latest one is shown. In ms since 1970. */
	readonly since: number;
	readonly due: number;
	latest: Arrival & Placed;
	/** The place of the latest value in the order of arrival. */
	order: number;
	/** The number of values. */
	values: number;
	/** The value is stored, so that values of QoS 1 may be acknowledged. */
	stored: boolean;
	/** The value is on its way to core. */
	leaving: boolean;
};

/** Most topics that wait, and bytes of their values; beyond that the next value of a further topic goes on at once. */
const [mostTopics, mostBytes] = [20_000, 8 * 1_048_576];
/** Time in ms between two values of a topic that is shown in place, and the time that a digest covers. */
const [between, digested] = [1_000, 10_000];
/** Most values that go on together, so that a chat beside them does not wait. */
export const atOnce = 64;
/** The rate of one broker: that of all devices of a broker in core. */
export const usualRate: Rate = { perMinute: 3_000, burst: 1_000 };

const bytesOf = ({ topic, payload }: Arrival) => payload.length + textBytes(topic) + 300;
/** Returns the arrival with a payload of its own: that of the library is a part of a chunk of 64 KiB, which it keeps alive. */
const alone = <One extends Arrival>(arrival: One): One => ({
	...arrival,
	payload: new Uint8Array(arrival.payload),
});

/** Holds the values of one broker back that come faster than rooms can show them. `merged` counts a superseded value. */
export function createFlood(deps: {
	rate?: Rate;
	pace(topic: string): Pace;
	merged(): void;
	makeId(): MessageId;
	now?: () => number;
}) {
	const { pace, merged, makeId, rate = usualRate, now = Date.now } = deps;
	const mayGoOn = createRateLimit(rate, now);
	/** By topic, the one that waits longest first. */
	const waiting = new Map<string, Waiting>();
	let bytes = 0;
	/** When a topic that is shown in place was shown last. */
	const shown = createBoundedMap<string, number>(mostTopics, {
		bytes: mostBytes,
		of: (topic) => textBytes(topic) + 100,
	});

	/** Makes a later value stand for those that wait. */
	function merge(one: Waiting, arrival: Arrival & Placed, order: number): void {
		one.values++;
		merged();
		if (order < one.order) return;
		bytes += bytesOf(arrival) - bytesOf(one.latest);
		one.latest = alone(arrival);
		one.order = order;
	}

	return {
		merge,
		/** Returns the waiting value that an arrival has become, or that stands for it; undefined if it goes on at once. */
		offer(arrival: Arrival & Placed, order: number): Waiting | undefined {
			const { topic } = arrival;
			const known = waiting.get(topic);
			if (known) {
				merge(known, arrival, order);
				return known;
			}
			const how = pace(topic);
			if (how === "each") return undefined;
			const at = now();
			const next = how === "latest" ? (shown.get(topic) ?? 0) + between : at;
			// A clock that was set back must not silence a topic.
			const soon = next <= at || next > at + between;
			const full = waiting.size >= mostTopics || bytes >= mostBytes;
			if (full || (soon && mayGoOn(""))) {
				if (how === "latest") shown.set(topic, at);
				return undefined;
			}
			const due = how === "digest" ? at + digested : soon ? at : next;
			const latest = alone(arrival);
			const one = { id: makeId(), since: at, due, latest, order, values: 1, stored: false, leaving: false };
			waiting.set(topic, one);
			bytes += bytesOf(latest);
			return one;
		},
		of: (topic: string): Waiting | undefined => waiting.get(topic),
		all: (): readonly Waiting[] => [...waiting.values()],
		/** Returns the values that are due and within the rate, and marks them as leaving. */
		due(): readonly Waiting[] {
			const at = now();
			const found: Waiting[] = [];
			for (const one of waiting.values()) {
				if (one.leaving || one.due > at) continue;
				if (found.length >= atOnce || !mayGoOn("")) break;
				one.leaving = true;
				found.push(one);
			}
			return found;
		},
		/** Takes back values that were leaving on a connection that has ended. */
		returned(): void {
			for (const one of waiting.values()) one.leaving = false;
		},
		/** Takes a value out: a later one of its topic is a new one. Returns false if it is out already. */
		take(one: Waiting): boolean {
			const { topic } = one.latest;
			if (waiting.get(topic) !== one) return false;
			waiting.delete(topic);
			bytes -= bytesOf(one.latest);
			if (pace(topic) === "latest") shown.set(topic, now());
			return true;
		},
	};
}
export type Flood = ReturnType<typeof createFlood>;
