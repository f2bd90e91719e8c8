import type { Digest } from "../core/event.ts";
import type { MessageId } from "../core/ids.ts";
import type { Cursor } from "../core/network.ts";
import { atOnce, type Flood, type Waiting } from "./flood.ts";
import type { Arrival, Placed } from "./from-mqtt.ts";
import type { Posted } from "./mailbox.ts";
import type { createRedelivery, Named } from "./redelivery.ts";
import type { Sort } from "./sorts.ts";

/** A message on its way to core. `digest`: it stands for several that came too fast. */
export type Received = Arrival & Placed & Named & Readonly<{ digest?: Digest }>;

/**
 * One step of the inbox. `order`: its place among all. `sort`: its sort to the mirrors. `waiting`: the value that stands for it. `leaves`: this value goes on
 * to core, and no message has come. `skip`: the message is acknowledged in its turn, and that is all.
 */
export type Step = Arrival &
	Placed &
	Readonly<{ order: number; sort?: Sort; waiting?: Waiting; leaves?: Waiting; skip?: true }>;

type Stored = Readonly<{
	topic: string;
	payload: string;
	qos: 0 | 1 | 2;
	retain: boolean;
	tooLarge?: NonNullable<Arrival["tooLarge"]>;
	expires?: number;
	passed?: readonly string[];
	/** The correlation data in base64. */
	response?: Readonly<{ topic: string; correlation?: string }>;
	mime?: string;
	properties?: NonNullable<Arrival["properties"]>;
	subscriptions: readonly number[];
	subscribed: readonly string[];
	id: MessageId;
	since: number;
	values: number;
	/** The place among all values of the run. Releases up to 0.1.0 had none. */
	order?: number;
}>;

/**
 * Brings the messages of one broker to core, and holds back those of a flood. A message may be acknowledged when its step is
 * taken: it is in the journal by then, or a value of its topic that came after it is on disk.
 */
export function createIntake(
	broker: string,
	deps: Readonly<{
		flood: Flood;
		/** Returns the sort of a message to the mirrors that show it. It is called for each one, in the order of arrival. */
		sort(arrival: Arrival): Sort;
		naming: Pick<ReturnType<typeof createRedelivery>, "identify">;
		/** Resolves when the messages are in the journal. */
		receive(batch: readonly Received[]): Promise<void>;
		/** Saves cursors, in this order. */
		save(cursors: readonly Readonly<{ key: string; value: string | undefined }>[]): Promise<void>;
	}>,
) {
	const { flood, sort, naming, receive, save } = deps;
	const prefix = `mqtt waiting ${broker} `;
	let order = 0;
	const keyOf = ({ id }: Waiting) => prefix + id;

	function stored(waiting: Waiting): Cursor {
		const { latest, id, since, values, order } = waiting;
		const { payload, topic, qos, retain, tooLarge, mime, properties, subscriptions, subscribed } = latest;
		const { expires, passed, response } = latest;
		const { correlation } = response ?? {};
		const text = Buffer.from(payload).toString("base64");
		const record: Stored = {
			...{ topic, payload: text, qos, retain, subscriptions, subscribed, id, since, values, order },
			...(tooLarge && { tooLarge }),
			...(expires !== undefined && { expires }),
			...(passed && { passed }),
			...(response && {
				response: {
					topic: response.topic,
					...(correlation && { correlation: Buffer.from(correlation).toString("base64") }),
				},
			}),
			...(mime !== undefined && { mime }),
			...(properties && { properties }),
		};
		return { key: keyOf(waiting), value: JSON.stringify(record) };
	}

	function restored(value: string): Pick<Waiting, "latest" | "id" | "since" | "values" | "order"> {
		const { id, since, values, payload, order = 0, response, ...latest } = JSON.parse(value) as Stored;
		const { topic, correlation } = response ?? {};
		const data = correlation !== undefined && { correlation: Buffer.from(correlation, "base64") };
		const arrival = {
			...{ ...latest, payload: Buffer.from(payload, "base64"), dup: false, packetId: undefined },
			...(topic !== undefined && { response: { topic, ...data } }),
		};
		return { latest: arrival, id, since, values, order };
	}

	const shown = ({ latest, id, since, values }: Omit<ReturnType<typeof restored>, "order">): Received => ({
		...latest,
		id,
		...(latest.retain && { standing: true }),
		...(values > 1 && { digest: { values, since } }),
	});

	return {
		/** Returns the step of a message at its arrival; undefined if a waiting value of QoS 0 stands for it already. */
		step(arrival: Posted & Placed): Step | undefined {
			order++;
			const sorted = sort(arrival);
			// A redelivery is known by its cursor, which is read in the order of the steps.
			if (arrival.dup) return { ...arrival, order, sort: sorted };
			const waiting = flood.offer(arrival, order, sorted);
			if (waiting && arrival.packetId === undefined) return undefined;
			return { ...arrival, order, ...(waiting && { waiting }) };
		},
		/** Returns the step of a message that nobody is shown; undefined if nothing has to be acknowledged. */
		skip: (arrival: Arrival & Placed): Step | undefined =>
			arrival.packetId === undefined ? undefined : { ...arrival, order: ++order, skip: true },
		/** Returns the steps by which waiting values go on, those that are due. */
		leaving: (): readonly Step[] =>
			flood
				.due()
				.map((leaves) => ({ ...leaves.latest, qos: 1, packetId: undefined, order: ++order, leaves })),
		/** Resolves when all that the steps brought is on disk. */
		async take(steps: readonly Step[]): Promise<void> {
			const batch: Received[] = [];
			const left: Waiting[] = [];
			const kept = new Set<Waiting>();
			const cursors: Cursor[] = [];
			function leave(one: Waiting): void {
				if (!flood.take(one)) return;
				left.push(one);
				batch.push(shown(one));
			}
			for (const { order, sort: sorted, waiting, leaves, skip, ...arrival } of steps) {
				if (skip) continue;
				if (leaves) {
					leave(leaves);
					continue;
				}
				const standsFor = waiting ?? (sorted && flood.of(arrival.topic, sorted));
				// A redelivery that goes on at once overtakes none that wait.
				if (sorted && !standsFor) flood.before(arrival.topic, order).forEach(leave);
				const { again, ...named } = await naming.identify(arrival, standsFor?.id);
				if (!standsFor || (again && named.id !== standsFor.id)) {
					batch.push({ ...arrival, ...named });
					continue;
				}
				// A redelivery that the waiting value stands for already is on disk.
				if (again) continue;
				if (!waiting) flood.merge(standsFor, arrival, order);
				if (named.cursor) cursors.push(named.cursor);
				// One that has left in the meantime is on disk.
				if (flood.has(standsFor)) kept.add(standsFor);
			}
			for (const one of kept) one.stored = true;
			// The values come before the cursors: a cursor says that a later value is on disk.
			if (kept.size > 0) await save([...[...kept].map(stored), ...cursors]);
			if (batch.length > 0) await receive(batch);
			const done = left.filter((one) => one.stored).map((one) => ({ key: keyOf(one), value: undefined }));
			if (done.length > 0) await save(done);
		},
		/**
		 * Brings the values to core that an earlier run has stored; call it before the first message. That run may have brought
		 * them as well, so none of them waits for a later value: core would take it for known.
		 */
		async resume(cursors: readonly Cursor[]): Promise<void> {
			const all = cursors
				.map(({ key, value }) => ({ key, value: restored(value) }))
				.sort((one, other) => one.value.order - other.value.order);
			for (let at = 0; at < all.length; at += atOnce) {
				const some = all.slice(at, at + atOnce);
				await receive(some.map(({ value }) => shown(value)));
				await save(some.map(({ key }) => ({ key, value: undefined })));
			}
		},
		prefix,
		/** Resolves when the values that wait are stored for the next start. */
		keep: (): Promise<void> => save(flood.all().map(stored)),
	};
}
