import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { type Arrival, subscriptionsOfBoth } from "./from-mqtt.ts";

/**
 * A message on its way to the main thread. `superseded`: the number of earlier values of QoS 0 that a value stands for, since it
 * came while they waited.
 */
export type Posted = Arrival & Readonly<{ superseded?: number }>;

/**
 * A topic whose values the main thread holds back: until `until`, in ms since 1970, a later value of QoS 0 takes the place
 * of an earlier one in any case.
 */
export type Held = Readonly<{ topic: string; until: number }>;

/** Most messages of one batch, and bytes of them; beyond that the connection waits until the batch is taken. */
const [most, mostBytes] = [500, 1_048_576];
/** Time in ms for which a value of a held topic waits for a later one. */
const between = 100;
/** Most topics that are known as held, and their bytes; the values of a forgotten one are not superseded here. */
const [mostTopics, mostTopicBytes] = [20_000, 8 * 1_048_576];

const bytesOf = ({ topic, payload }: Arrival) => payload.length + 2 * topic.length + 100;

/**
 * Collects the messages of one connection for the main thread, so that a flood costs that thread little: one batch is
 * under way at a time, and of a held topic the latest value alone goes on, ten times a second. The messages of a topic
 * keep their order.
 */
export function createMailbox(deps: {
	send(batch: readonly Posted[]): void;
	/** Calls `work` after a time in ms; 0: at the end of this turn of the event loop. */
	later(ms: number, work: () => void): void;
	now?: () => number;
}) {
	const { send, later, now = Date.now } = deps;
	/** The messages that go with the next batch. */
	let next: Posted[] = [];
	/** By topic, the value that waits for a later one. */
	const latest = new Map<string, Posted>();
	let bytes = 0;
	/** By topic, the time until which it is held. */
	const held = createBoundedMap<string, number>(mostTopics, {
		bytes: mostTopicBytes,
		of: (topic) => textBytes(topic) + 100,
	});
	let underWay: readonly Posted[] | undefined;
	let soon = false;
	let looking = false;
	let room: PromiseWithResolvers<void> | undefined;

	const isFull = () => next.length >= most || bytes >= mostBytes;

	function flush(): void {
		soon = false;
		if (underWay || next.length === 0) return;
		underWay = next.slice(0, most);
		next = next.slice(most);
		for (const one of underWay) bytes -= bytesOf(one);
		send(underWay);
		room?.resolve();
		room = undefined;
	}

	function flushSoon(): void {
		if (soon || underWay) return;
		soon = true;
		later(0, flush);
	}

	/** Lets the value of a held topic go on, if one waits. */
	function release(topic: string): void {
		const one = latest.get(topic);
		if (!one) return;
		latest.delete(topic);
		next.push(one);
	}

	function look(): void {
		looking = false;
		for (const topic of latest.keys()) release(topic);
		flushSoon();
	}

	/** Returns the message that stands for a waiting one and for a later one of its topic. */
	const inPlaceOf = (before: Posted, arrival: Arrival): Posted => ({
		...arrival,
		subscriptions: subscriptionsOfBoth(before.subscriptions, arrival.subscriptions),
		superseded: (before.superseded ?? 0) + 1,
	});

	function supersede(arrival: Arrival): void {
		const before = latest.get(arrival.topic);
		if (before) bytes -= bytesOf(before);
		// The order of the topics is that of their latest values.
		latest.delete(arrival.topic);
		latest.set(arrival.topic, before ? inPlaceOf(before, arrival) : { ...arrival, superseded: 0 });
		if (looking) return;
		looking = true;
		later(between, look);
	}

	return {
		/** Takes a message in. Returns a promise when the mailbox is full; it resolves when there is room again. */
		add(arrival: Arrival): Promise<void> | undefined {
			const { topic, qos, retain, dup } = arrival;
			bytes += bytesOf(arrival);
			if (qos === 0 && !retain && !dup && (held.get(topic) ?? 0) > now()) supersede(arrival);
			else {
				release(topic);
				next.push(arrival);
				flushSoon();
			}
			if (!isFull()) return undefined;
			room ??= Promise.withResolvers();
			return room.promise;
		},
		/** The main thread has taken the batch that was under way, and holds these of its topics back. */
		taken(topics: readonly Held[]): void {
			for (const { topic } of underWay ?? []) held.delete(topic);
			underWay = undefined;
			for (const { topic, until } of topics) held.set(topic, until);
			if (next.length > 0) flushSoon();
		},
		/** Returns all messages that wait, at the end of the connection. */
		rest(): readonly Posted[] {
			const all = [...next, ...latest.values()];
			next = [];
			latest.clear();
			bytes = 0;
			room?.resolve();
			return all;
		},
	};
}
export type Mailbox = ReturnType<typeof createMailbox>;
