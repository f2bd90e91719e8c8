import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import type { State } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Received } from "../core/network.ts";
import { decide, type Memory } from "./changes.ts";
import { type Arrival, fromMqtt, type Placed, placesOf } from "./from-mqtt.ts";
import { createInPlace } from "./in-place.ts";
import { createLatest } from "./latest.ts";
import { type CompiledShape, compileShape, type Shape } from "./shape.ts";
import { placeOf } from "./topics.ts";

/** Topics whose last shown value is remembered, for the conditions of mirrors. A forgotten topic shows its next value. */
const remembered = 20_000;

type Mirror = Readonly<{ room: RoomId; shape?: CompiledShape } & Pick<Shape, "only" | "show">>;

/**
 * Keeps the linked rooms of all subscriptions: how each shows its values, and which values it has shown. `filtered` is
 * called for each value that the conditions of a mirror leave out.
 */
export function createMirrorRooms(filtered: () => void) {
	/** By broker and filter, as a room without a shape. */
	const bySubscription = new Map<string, readonly Mirror[]>();
	const inPlace = createInPlace();
	const latest = createLatest();
	const shown = createBoundedMap<string, Memory>(remembered, {
		bytes: 8 * 1_048_576,
		of: (key, { text = "" }) => textBytes(key, text) + 100,
	});

	const subscription = (room: RoomId): string => {
		const { broker, filter } = placeOf(room);
		return `${broker}/${filter}`;
	};
	const without = (room: RoomId) =>
		(bySubscription.get(subscription(room)) ?? []).filter((mirror) => mirror.room !== room);

	/** Returns the mirrors of a subscription; those with a shape, which begins with a brace, come first. */
	const of = (broker: string, filter: string): readonly Mirror[] =>
		bySubscription.get(`${broker}/${filter}`) ?? [];

	/** Returns whether the mirror shows this value of a topic; null clears the topic, which is always shown. */
	function passes({ room, only }: Mirror, topic: string, value: string | null, at: number): boolean {
		if (!only) return true;
		const key = `${room}\n${topic}`;
		if (value === null) {
			shown.delete(key);
			return true;
		}
		const decided = decide(only, shown.get(key) ?? {}, value, at);
		shown.set(key, decided.memory);
		return decided.shows;
	}

	/** Returns the forms in which a mirror shows a value: as a message of its own, or in the place of an earlier value. */
	function forms({ show = "message", room }: Mirror, event: State): readonly State[] {
		const own = show === "state" ? [] : [event];
		if (show === "message") return own;
		const id = (show === "both" ? `${event.id} latest` : event.id) as MessageId;
		const replaces = inPlace.replaces(room, event.key, id, event.at);
		return [...own, { ...event, id, ...(replaces && { replaces }) }];
	}

	return {
		/** Returns the latest values of a room. */
		latest: latest.of,
		/** The messages that show values in place. */
		inPlace,
		add(room: RoomId): void {
			const { shape } = placeOf(room);
			const options = shape === "" ? {} : (JSON.parse(shape) as Shape);
			const mirror: Mirror = {
				room,
				...(shape !== "" && { shape: compileShape(options) }),
				...(options.only && { only: options.only }),
				...(options.show && { show: options.show }),
			};
			const all = [...without(room), mirror].sort((one, other) => (one.room > other.room ? -1 : 1));
			bySubscription.set(subscription(room), all);
		},
		remove(room: RoomId): void {
			latest.forget(room);
			const left = without(room);
			if (left.length > 0) bySubscription.set(subscription(room), left);
			else bySubscription.delete(subscription(room));
		},
		/** Returns true if a room shows what this subscription brings. */
		uses: (broker: string, filter: string): boolean => of(broker, filter).length > 0,
		/** Forgets what was shown of the topics of these messages: none of them was taken. */
		forget(broker: string, batch: readonly Readonly<{ topic: string }>[]): void {
			const topics = new Set(batch.map(({ topic }) => topic));
			for (const [at, mirrors] of bySubscription)
				if (at.startsWith(`${broker}/`))
					for (const { room } of mirrors)
						for (const topic of topics) {
							shown.delete(`${room}\n${topic}`);
							inPlace.forget(room, topic);
						}
		},
		/** Returns the events of a message: one in each room that shows it, and none in those whose conditions leave it out. */
		show(
			arrival: Arrival & Placed,
			{
				broker,
				wanted,
				id,
				at,
			}: Readonly<{ broker: string; wanted: readonly string[]; id: MessageId; at: number }>,
		): readonly (State & Pick<Received, "preferred">)[] {
			return placesOf(arrival, wanted).flatMap(({ filter, preferred: narrower }) => {
				const before = narrower.flatMap((one) => of(broker, one));
				return of(broker, filter).flatMap((mirror, index, all) => {
					const { room, shape } = mirror;
					const { event, compared } = fromMqtt(arrival, { broker, room, id, at, ...(shape && { shape }) });
					latest.note(event);
					if (!passes(mirror, arrival.topic, compared, at)) {
						filtered();
						return [];
					}
					// A room with the same filter twice, by the config and by command, shows the one with a shape.
					const preferred = [...before, ...all.slice(0, index)].map((other) => other.room);
					return forms(mirror, event).map((one) => ({ ...one, ...(preferred.length > 0 && { preferred }) }));
				});
			});
		},
	};
}
