import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import type { MessageId } from "../core/ids.ts";
import { createRateLimit, type Rate } from "../core/limits.ts";
import { type Arrival, type Placed, subscriptionsOfBoth } from "./from-mqtt.ts";
import type { Posted } from "./mailbox.ts";
import { moreOf, plain, type Sort, type Use } from "./sorts.ts";

/**
 * How the values of a topic go on in a flood. each: one by one. latest: a later value of its sort takes the place of one that
 * waits, and a topic is shown once a second. digest: values above the rate of the broker wait and become one line.
 */
export type Pace = "each" | "latest" | "digest";

/** The latest value of a topic and of one sort, which waits and stands for the values before it. */
export type Waiting = {
	/** The id under which the latest value is shown. */
	readonly id: MessageId;
	sort: Sort;
	/** The time of the first value, and the earliest time at which the latest one is shown. In ms since 1970. */
	since: number;
	due: number;
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

/** Most values that wait, and bytes of them; beyond that the next value of a further topic goes on at once. */
const [mostTopics, mostBytes] = [20_000, 8 * 1_048_576];
/** Time in ms between two values of a topic that is shown in place, and the time that a digest covers. */
const [between, digested] = [1_000, 10_000];
/** Time in ms for which a value that is due is expected to wait still: until the rate lets it go. */
const overdue = 100;
/** Most values that go on together, and most of these that a room shows: a chat does not wait behind a burst of them. */
export const atOnce = 64;
const shownAtOnce = 8;
/** The rate of one broker: that of all devices of a broker in core. */
export const usualRate: Rate = { perMinute: 3_000, burst: 1_000 };

const bytesOf = ({ topic, payload }: Arrival) => payload.length + textBytes(topic) + 300;

/** A value that no mirror shows now needs no place in the rate of the broker. */
const isFree = (use: Use): boolean => use === "unseen" || use === "debounced";

/**
 * Holds the values of one broker back that come faster than rooms can show them. The values of a topic leave in the order of
 * their arrival, so that the last one is the last to be shown. `merged` counts superseded
 * values.
 */
export function createFlood(deps: {
	rate?: Rate;
	pace(topic: string): Pace;
	merged(count: number): void;
	makeId(): MessageId;
	now?: () => number;
}) {
	const { pace, merged, makeId, rate = usualRate, now = Date.now } = deps;
	const mayGoOn = createRateLimit(rate, now);
	/** By topic and sort, the one that waits longest first. */
	const waiting = new Map<string, Waiting>();
	/** By topic. */
	const ofTopic = new Map<string, Set<Waiting>>();
	let bytes = 0;
	/** When a topic that is shown in place was shown last. */
	const shown = createBoundedMap<string, number>(mostTopics, {
		bytes: mostBytes,
		of: (key) => textBytes(key) + 100,
	});
	const isFull = () => waiting.size >= mostTopics || bytes >= mostBytes;
	const keyOf = (topic: string, { name }: Sort) => `${topic}\n${name}`;

	/** Puts a value in its place among those of its topic that wait. */
	function put(one: Waiting): void {
		const { topic } = one.latest;
		const all = [...(ofTopic.get(topic) ?? new Set())].filter((other) => other !== one);
		const behind = all.filter(({ order }) => order > one.order);
		ofTopic.set(topic, new Set([...all.filter(({ order }) => order < one.order), one, ...behind]));
		for (const each of [one, ...behind]) {
			const key = keyOf(topic, each.sort);
			waiting.delete(key);
			waiting.set(key, each);
		}
	}

	/** Makes a value due at `at`, if it is not due earlier, and those of its topic before it, since it overtakes none. */
	function hurry(one: Waiting, at: number): void {
		one.due = Math.min(one.due, at);
		for (const each of ofTopic.get(one.latest.topic) ?? []) {
			if (each === one) return;
			each.due = Math.min(each.due, one.due);
		}
	}

	/** Makes a later value stand for those that wait. */
	function merge(one: Waiting, arrival: Posted & Placed, order: number): void {
		const values = 1 + (arrival.superseded ?? 0);
		one.values += values;
		merged(values);
		const subscriptions = subscriptionsOfBoth(one.latest.subscriptions, arrival.subscriptions);
		if (order < one.order) {
			one.latest = { ...one.latest, subscriptions };
			return;
		}
		bytes += bytesOf(arrival) - bytesOf(one.latest);
		one.latest = { ...arrival, subscriptions };
		one.order = order;
		const others = ofTopic.get(arrival.topic);
		if (!others || others.size < 2) return;
		put(one);
		hurry(one, one.due);
	}

	/** Makes a value of another sort take the place of those that no mirror shows. */
	function replace(one: Waiting, arrival: Posted & Placed, order: number, sort: Sort): void {
		waiting.delete(keyOf(arrival.topic, one.sort));
		one.sort = sort;
		merge(one, arrival, order);
		one.values = 1;
		one.since = now();
		put(one);
	}

	/** Returns the waiting value of its topic that a value becomes a part of; undefined if it waits beside them. */
	function joined(arrival: Posted & Placed, order: number, sort: Sort): Waiting | undefined {
		const all = [...(ofTopic.get(arrival.topic) ?? [])];
		const last = all.at(-1);
		const same = waiting.get(keyOf(arrival.topic, sort));
		const unseen = all.find((one) => one.sort.use === "unseen" && !one.leaving);
		if (same && (!same.leaving || same === last)) {
			merge(same, arrival, order);
			if (moreOf(sort.use, same.sort.use) === sort.use) same.sort = sort;
			return same;
		}
		if (!same && unseen && unseen === last) {
			replace(unseen, arrival, order, sort);
			return unseen;
		}
		// A value of this sort is leaving, and others are behind it; or the memory is full.
		if (!last || !(same || isFull())) return undefined;
		merge(last, arrival, order);
		last.sort = { ...last.sort, use: moreOf(sort.use, last.sort.use) };
		return last;
	}

	return {
		merge,
		/** Returns the waiting value that an arrival has become, or that stands for it; undefined if it goes on at once. */
		offer(arrival: Posted & Placed, order: number, sort: Sort = plain): Waiting | undefined {
			const { topic, superseded = 0 } = arrival;
			const at = now();
			const others = ofTopic.get(topic);
			const known = others && joined(arrival, order, sort);
			if (!known && superseded > 0) merged(superseded);
			if (known && isFree(sort.use)) return known;
			const how = pace(topic);
			if (!others && how === "each") return undefined;
			const free = isFree(sort.use);
			const spaced = how === "latest" || free;
			const spacedAs = sort.use === "crossing" ? `${topic}\n` : topic;
			const next = spaced ? (shown.get(spacedAs) ?? 0) + between : at;
			// A clock that was set back must not silence a topic.
			const soon = next <= at || next > at + between;
			if (!others && (isFull() || (soon && (free || mayGoOn(""))))) {
				if (spaced) shown.set(spacedAs, at);
				return undefined;
			}
			const due = !spaced && sort.use !== "crossing" ? at + digested : soon ? at : next;
			const latest = known ? known.latest : arrival;
			const values = 1 + superseded;
			const made = { sort, since: at, due, latest, order, values, stored: false, leaving: false };
			const one = known ?? { id: makeId(), ...made };
			if (!known) {
				put(one);
				bytes += bytesOf(latest);
			}
			hurry(one, due);
			return one;
		},
		/** Returns the waiting value of a topic that stands for values of a sort. */
		of: (topic: string, sort: Sort = plain): Waiting | undefined => waiting.get(keyOf(topic, sort)),
		/** Returns the waiting values of a topic that came before a place in the order of arrival, in that order. */
		before: (topic: string, place: number): readonly Waiting[] =>
			[...(ofTopic.get(topic) ?? [])].filter(({ order }) => order < place),
		all: (): readonly Waiting[] => [...waiting.values()],
		/**
		 * Returns the time, in ms since 1970, until which a later value of QoS 0 of a topic takes the place of an earlier one in
		 * any case; undefined if each one counts.
		 */
		heldUntil(topic: string): number | undefined {
			const one = waiting.get(keyOf(topic, plain));
			// Only without deciding conditions is the sort of every value `plain` itself.
			return one?.sort === plain ? Math.max(one.due, now() + overdue) : undefined;
		},
		/** Returns true as long as a value waits. */
		has: (one: Waiting): boolean => ofTopic.get(one.latest.topic)?.has(one) === true,
		/** Returns the values that are due and within the rate, and marks them as leaving. */
		due(): readonly Waiting[] {
			const at = now();
			const found: Waiting[] = [];
			const all = [...waiting.values()].filter((one) => !one.leaving && one.due <= at);
			const crossing = new Set(
				all.filter(({ sort }) => sort.use === "crossing").map(({ latest }) => latest.topic),
			);
			// An alarm waits behind no digest, and none of its topic overtakes those before it.
			const first = all.filter(({ latest }) => crossing.has(latest.topic));
			const others = all.filter(({ latest }) => !crossing.has(latest.topic));
			let seen = 0;
			for (const one of [...first, ...others]) {
				if (found.length >= atOnce) break;
				if (!isFree(one.sort.use) && (seen++ >= shownAtOnce || !mayGoOn(""))) break;
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
			const all = ofTopic.get(topic);
			if (!all?.delete(one)) return false;
			if (all.size === 0) ofTopic.delete(topic);
			waiting.delete(keyOf(topic, one.sort));
			bytes -= bytesOf(one.latest);
			if (pace(topic) === "latest" || isFree(one.sort.use)) shown.set(topic, now());
			return true;
		},
	};
}
export type Flood = ReturnType<typeof createFlood>;
