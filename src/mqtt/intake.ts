import type { Digest } from "../core/event.ts";
import type { MessageId } from "../core/ids.ts";
import type { Cursor } from "../core/network.ts";
import { atOnce, type Flood, type Waiting } from "./flood.ts";
import type { Arrival, Placed } from "./from-mqtt.ts";
import type { createRedelivery, Named } from "./redelivery.ts";

/** A message on its way to core. `digest`: it stands for several that came too fast. */
export type Received = Arrival & Placed & Named & Readonly<{ digest?: Digest }>;

/**
 * One step of the inbox. `order`: its place among all. `waiting`: the value that stands for it. `leaves`: this value goes on
 * to core, and no message has come. `skip`: the message is acknowledged in its turn, and that is all.
 */
export type Step = Arrival &
	Placed &
	Readonly<{ order: number; waiting?: Waiting; leaves?: Waiting; skip?: true }>;

type Stored = Readonly<{
	topic: string;
	payload: string;
	qos: 0 | 1 | 2;
	retain: boolean;
	tooLarge?: NonNullable<Arrival["tooLarge"]>;
	subscriptions: readonly number[];
	subscribed: readonly string[];
	id: MessageId;
	since: number;
	values: number;
}>;

/**
 * Brings the messages of one broker to core, and holds back those of a flood. A message may be acknowledged when its step is
 * taken: it is in the journal by then, or a value of its topic that came after it is on disk.
 */
export function createIntake(
	broker: string,
	deps: Readonly<{
		flood: Flood;
		naming: Pick<ReturnType<typeof createRedelivery>, "identify">;
		/** Resolves when the messages are in the journal. */
		receive(batch: readonly Received[]): Promise<void>;
		/** Saves cursors, in this order. */
		save(cursors: readonly Readonly<{ key: string; value: string | undefined }>[]): Promise<void>;
	}>,
) {
	const { flood, naming, receive, save } = deps;
	const prefix = `mqtt waiting ${broker} `;
	let order = 0;
	const keyOf = ({ latest }: Waiting) => prefix + latest.topic;

	function stored({ latest, id, since, values }: Waiting): Cursor {
		const { payload, topic, qos, retain, tooLarge, subscriptions, subscribed } = latest;
		const text = Buffer.from(payload).toString("base64");
		const record: Stored = {
			...{ topic, payload: text, qos, retain, subscriptions, subscribed, id, since, values },
			...(tooLarge && { tooLarge }),
		};
		return { key: prefix + topic, value: JSON.stringify(record) };
	}

	function restored(value: string): Pick<Waiting, "latest" | "id" | "since" | "values"> {
		const { id, since, values, payload, ...latest } = JSON.parse(value) as Stored;
		const arrival = { ...latest, payload: Buffer.from(payload, "base64"), dup: false, packetId: undefined };
		return { latest: arrival, id, since, values };
	}

	const shown = ({ latest, id, since, values }: ReturnType<typeof restored>): Received => ({
		...latest,
		id,
		...(latest.retain && { standing: true }),
		...(values > 1 && { digest: { values, since } }),
	});

	return {
		/** Returns the step of a message at its arrival; undefined if a waiting value of QoS 0 stands for it already. */
		step(arrival: Arrival & Placed): Step | undefined {
			order++;
			// A redelivery is known by its cursor, which is read in the order of the steps.
			const waiting = arrival.dup ? undefined : flood.offer(arrival, order);
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
			for (const { order, waiting, leaves, skip, ...arrival } of steps) {
				if (skip) continue;
				if (leaves) {
					if (!flood.take(leaves)) continue;
					left.push(leaves);
					batch.push(shown(leaves));
					continue;
				}
				const standsFor = waiting ?? (arrival.dup ? flood.of(arrival.topic) : undefined);
				const { again, ...named } = await naming.identify(arrival, standsFor?.id);
				if (!standsFor || (again && named.id !== standsFor.id)) {
					batch.push({ ...arrival, ...named });
					continue;
				}
				// A redelivery that the waiting value stands for already is on disk.
				if (again) continue;
				if (!waiting) flood.merge(standsFor, arrival, order);
				if (named.cursor) cursors.push(named.cursor);
				kept.add(standsFor);
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
			for (let at = 0; at < cursors.length; at += atOnce) {
				const some = cursors.slice(at, at + atOnce);
				await receive(some.map(({ value }) => shown(restored(value))));
				await save(some.map(({ key }) => ({ key, value: undefined })));
			}
		},
		prefix,
		/** Resolves when the values that wait are stored for the next start. */
		keep: (): Promise<void> => save(flood.all().map(stored)),
	};
}
