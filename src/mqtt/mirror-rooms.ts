import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import type { Digest, State } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Make } from "../core/mapping.ts";
import type { Cursor, Received } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { noReadings, type Readings } from "../core/readings.ts";
import { decide, type Memory, type Reason } from "./changes.ts";
import { type Candidate, createDebounce } from "./debounce.ts";
import type { Thing } from "./devices.ts";
import type { Pace } from "./flood.ts";
import { type Arrival, fromMqtt, type Placed, placesOf } from "./from-mqtt.ts";
import { createInPlace } from "./in-place.ts";
import { createLatest } from "./latest.ts";
import { compileMirror, type Mirror } from "./mirror.ts";
import { paceOf } from "./pace.ts";
import * as phrases from "./phrases.ts";
import type { Shape } from "./shape.ts";
import { createSorter, isDeciding, plain, type Sort, skipsRetained } from "./sorts.ts";
import type { ThingFiles } from "./thing-files.ts";
import { createTopicRooms, ownOf, type TopicRooms } from "./topic-rooms.ts";
import { matches, placeOf, roomOf } from "./topics.ts";
import { latestId } from "./value-ids.ts";

/** Topics whose last shown value is remembered, for the conditions of mirrors. A forgotten topic shows its next value. */
const remembered = 20_000;

/** An event of a mirror. `preferred`: see {@link Received}. */
type Shows = State & Pick<Received, "preferred">;

/** A mirror that makes rooms. */
export type MakingMirror = TopicRooms & Readonly<{ broker: string; topic: string; shape: Shape }>;
/** A room that is yet to be made. */
export type Opened = Readonly<{ topic: RoomId; make: Make }>;

/** How the values of one topic go on: see flood.ts. `sort`: called for each value, in the order of arrival. */
type Course = Readonly<{ pace: Pace; sort(arrival: Arrival): Sort }>;

/** Keeps the linked rooms of all subscriptions: how each shows its values, and which values it has shown. */
export function createMirrorRooms(deps: {
	/** The mirrors whose topics get rooms of their own. */
	making?: readonly MakingMirror[];
	/** Counts a value that a condition leaves out. */
	filtered(reason: Reason): void;
	/** Counts a value in whose place a later one is shown. */
	merged?(): void;
	/** Takes the events of values whose time has come. */
	receive(events: readonly Shows[]): Promise<void>;
	/** Runs `work` after `ms`. Returns the function that cancels it. */
	later(ms: number, work: () => Promise<void>): () => void;
	/** Returns a sorter of a broker's values in the guard. */
	guarded(broker: string, sort: Course["sort"]): Course["sort"];
	now?(): number;
	readings?: Readings;
	/** Keeps the files that things send. */
	files?: Pick<ThingFiles, "keep">;
	/** Returns what is known of the device of a topic. */
	thing?(broker: string, topic: string): Thing | undefined;
	/** Called with each value as a room has it. `availability`: the topic that its mirror names for that. */
	noted?(event: State, broker: string, availability: string | undefined): void;
}) {
	const {
		filtered,
		merged = () => undefined,
		receive,
		thing,
		noted,
		files,
		readings = noReadings,
		making = [],
		guarded,
		now = () => Date.now(),
	} = deps;
	let opened: Opened[] = [];
	const makers = making.map(({ shape, ...mirror }) => ({
		...createTopicRooms(mirror, (topic, make) => void opened.push({ topic, make })),
		/** The mirrors of the rooms, which show alike. */
		mirrors: new Map<RoomId, Mirror>(),
		shape: compileMirror(roomOf(mirror.broker, mirror.topic), shape),
	}));
	type Maker = (typeof makers)[number];
	const makerOf = (room: RoomId): Maker | undefined => makers.find((one) => one.owns(room));
	const makersOf = (broker: string, filter: string) =>
		makers.filter((one) => one.broker === broker && one.filter === filter);

	const isLinked = (room: RoomId): boolean =>
		makerOf(room) !== undefined ||
		(bySubscription.get(subscription(room)) ?? []).some((one) => one.room === room);

	/** Returns the mirror of a topic's own room; undefined where it has none. */
	function own(maker: Maker, topic: string, cleared: boolean): Mirror | undefined {
		const room = maker.of(topic, cleared);
		if (room === undefined) return undefined;
		const mirror = maker.mirrors.get(room) ?? { ...maker.shape, room };
		maker.mirrors.set(room, mirror);
		return mirror;
	}
	/** By broker and filter, as a room without a shape. */
	const bySubscription = new Map<string, readonly Mirror[]>();
	const inPlace = createInPlace();
	const latest = createLatest(readings);
	const shown = createBoundedMap<string, Memory>(remembered, {
		bytes: 8 * 1_048_576,
		of: (key, { text = "" }) => textBytes(key, text) + 100,
	});

	/** By broker and topic. */
	const noCourses = () =>
		createBoundedMap<string, Course>(remembered, {
			bytes: 8 * 1_048_576,
			of: (key) => textBytes(key) + 300,
		});
	let courses = noCourses();

	/** Returns how the values of a topic go on, by the mirrors that show it now. */
	function makeCourse(broker: string, topic: string): Course {
		const showing = [...bySubscription.values()].flat().filter(({ room }) => {
			const place = placeOf(room);
			return place.broker === broker && matches(place.filter, topic);
		});
		const making = makers
			.filter((one) => one.broker === broker && matches(one.filter, topic))
			.map((one) => ({ ...one.shape, room: one.of(topic, true) ?? one.shape.room }));
		const all = [...showing, ...making];
		const pace = paceOf(all);
		if (!all.some(isDeciding)) return { pace, sort: () => plain };
		const sorted = all.map((mirror) => ({
			...mirror,
			compared(arrival: Arrival) {
				const { compared, bytes } = read(mirror, arrival, { broker, id: "" as MessageId, at: 0 });
				return bytes ? undefined : compared;
			},
			heard: () => debounce.heard(mirror.room, topic, 1_000 * (mirror.only?.debounce ?? 0)),
		}));
		return { pace, sort: guarded(broker, createSorter(sorted)) };
	}

	/** Returns a value as a mirror reads it. */
	function read(
		{ room, shape }: Mirror,
		arrival: Arrival & Readonly<{ digest?: Digest }>,
		{ broker, id, at }: Readonly<{ broker: string; id: MessageId; at: number }>,
	): ReturnType<typeof fromMqtt> {
		const known = thing?.(broker, arrival.topic);
		const about = { ...(shape && { shape }), ...(known && { thing: known }) };
		return fromMqtt(arrival, { broker, room, id, at, ...about });
	}

	/** Returns the thing of a topic as a room shows it: an answer comes from the same account under the same name. */
	function person(room: RoomId, topic: string): Person {
		const { broker } = placeOf(room);
		const linked = (bySubscription.get(subscription(room)) ?? []).find((one) => one.room === room);
		const mirror = linked ?? { ...makerOf(room)?.shape, room };
		const nothing = { qos: 0, dup: false, retain: false, packetId: undefined, subscriptions: [] } as const;
		const arrival = { ...nothing, topic, payload: new Uint8Array() };
		const { sender, label } = read(mirror, arrival, { broker, id: "" as MessageId, at: 0 }).event;
		// The name may come from the payload, which only the latest value has.
		const name = latest.of(room).find((one) => one.topic === topic)?.label;
		return name === undefined || sender.name !== label ? sender : { ...sender, name };
	}

	const subscription = (room: RoomId): string => {
		const { broker, filter } = placeOf(room);
		return `${broker}/${filter}`;
	};
	const without = (room: RoomId) =>
		(bySubscription.get(subscription(room)) ?? []).filter((mirror) => mirror.room !== room);

	/** Returns the mirrors of a subscription; those with a shape, which begins with a brace, come first. */
	const of = (broker: string, filter: string): readonly Mirror[] =>
		bySubscription.get(`${broker}/${filter}`) ?? [];

	/** Returns the events of a value whose time has come: none, if a condition leaves it out. A cleared topic is always shown. */
	function shows(mirror: Mirror, candidate: Candidate, at: number): readonly Shows[] {
		const { event, compared, preferred, decided, quiet } = candidate;
		const key = `${event.room}\n${event.key}`;
		if (compared === null) shown.delete(key);
		else if (decided === "edit") return edit(mirror, candidate, at);
		else if (mirror.only && !decided) {
			const { hidden, memory } = decide(mirror.only, shown.get(key) ?? {}, compared, at);
			shown.set(key, memory);
			const lasting = mirror.only.for;
			const waits = { ...candidate, decided: "shown" as const };
			if (lasting !== undefined && memory.beyond === undefined)
				debounce.forget(event.room, event.key, "edit");
			else if (lasting !== undefined && hidden === "threshold") debounce.renew(waits);
			if (hidden) {
				filtered(hidden);
				return [];
			}
			if (lasting !== undefined) {
				debounce.put(waits, lasting * 1_000);
				return [];
			}
		}
		const isQuiet = quiet || mirror.show === "state";
		const own = isQuiet ? [] : [{ ...event, ...(preferred.length > 0 && { preferred }) }];
		const rests = mirror.interval && inPlace.rests(event.room, event.key, mirror.interval * 1_000, at);
		if (!rests) return [...own, ...edit(mirror, candidate, at)];
		if (debounce.put({ ...candidate, decided: "edit" }, rests)) merged();
		return own;
	}

	/** Returns a value with the file that it is, if it is no text. A file is compared by its hash. */
	function withFile({ event, compared, bytes, mime }: ReturnType<typeof fromMqtt>) {
		const media = bytes && files?.keep(bytes, event.label, mime);
		if (!media) return { event, compared };
		const { ref } = media.source;
		if (media.kind !== "image") return { event, compared: ref, file: ref };
		const value = phrases.pictureValue(media.mime ?? "", bytes.length);
		return { event: { ...event, value, media }, compared: ref, file: ref };
	}

	/** Returns the events of a value that came now. */
	function take(mirror: Mirror, candidate: Candidate): readonly Shows[] {
		const { event, compared } = candidate;
		const wait = mirror.only?.debounce;
		if (compared === null) debounce.forget(event.room, event.key);
		else if (mirror.matches?.(compared) === false) {
			filtered("matches");
			return [];
		} else if (wait !== undefined) {
			// It is the last value whatever came before, which a digest would count.
			const { digest: _, ...last } = event;
			if (debounce.put({ ...candidate, event: last }, wait * 1_000)) filtered("debounce");
			return [];
		}
		return shows(mirror, candidate, event.at);
	}

	const debounce = createDebounce({
		now,
		later: deps.later,
		async show(due) {
			const all = [...bySubscription.values(), ...makers.map((one) => [...one.mirrors.values()])].flat();
			const mirrors = new Map(all.map((one) => [one.room, one]));
			const events = due.flatMap((one) => {
				const mirror = mirrors.get(one.event.room);
				return mirror ? shows(mirror, one, now()) : [];
			});
			if (events.length === 0) return;
			await receive(events).catch((error: unknown) => {
				for (const { event } of due) forget(event.room, event.key);
				throw error;
			});
		},
	});

	/** Forgets what was shown of a topic: it was not taken. */
	function forget(room: RoomId, topic: string): void {
		shown.delete(`${room}\n${topic}`);
		inPlace.forget(room, topic);
	}

	/** Returns the event by which a mirror shows a value in the place of an earlier one, if it does that. */
	function edit(
		{ show = "message", room }: Mirror,
		{ event, preferred }: Candidate,
		at: number,
	): readonly Shows[] {
		if (show === "message") return [];
		const { digest: _, ...value } = event;
		const id = show === "both" ? latestId(event.id) : event.id;
		const replaces = inPlace.replaces(room, event.key, id, event.at);
		inPlace.edited(room, event.key, at);
		return [{ ...value, id, ...(replaces && { replaces }), ...(preferred.length > 0 && { preferred }) }];
	}

	return {
		/** Returns how the values of a topic go on in a flood. */
		course(broker: string, topic: string): Course {
			const key = `${broker}/${topic}`;
			const known = courses.get(key) ?? makeCourse(broker, topic);
			courses.set(key, known);
			return known;
		},
		person,
		/** Returns the latest values of a room. */
		latest: latest.of,
		/** Returns the rooms that have values. */
		rooms: latest.rooms,
		/** Takes what earlier runs have stored. */
		async load(cursors: (prefix: string) => Promise<readonly Cursor[]>): Promise<void> {
			inPlace.load(await cursors(inPlace.prefix));
			debounce.load(await cursors(debounce.prefix));
			latest.load(isLinked);
		},
		/** Returns what to store since the last call: cursors, of which a value of undefined removes one. */
		changes: () => [...inPlace.changes(), ...debounce.changes()],
		/** Stores the latest values. */
		save: latest.save,
		/** Returns the beginnings of the keys of a room's cursors. */
		ofRoom: (room: RoomId): readonly string[] => [inPlace.ofRoom(room), debounce.ofRoom(room)],
		stop: debounce.stop,
		add(room: RoomId): void {
			courses = noCourses();
			if (ownOf(room)) {
				makerOf(room)?.add(room);
				return;
			}
			const { shape } = placeOf(room);
			const mirror = compileMirror(room, shape === "" ? {} : (JSON.parse(shape) as Shape));
			const all = [...without(room), mirror].sort((one, other) => (one.room > other.room ? -1 : 1));
			bySubscription.set(subscription(room), all);
		},
		remove(room: RoomId): void {
			courses = noCourses();
			latest.forget(room);
			debounce.forgetRoom(room);
			const maker = makerOf(room);
			maker?.remove(room);
			maker?.mirrors.delete(room);
			const left = without(room);
			if (left.length > 0) bySubscription.set(subscription(room), left);
			else bySubscription.delete(subscription(room));
		},
		/** Returns the rooms that have to be made, since the last call. */
		opened(): readonly Opened[] {
			const all = opened;
			opened = [];
			return all;
		},
		/** Returns true if a room shows what this subscription brings. */
		uses: (broker: string, filter: string): boolean =>
			of(broker, filter).length > 0 || makersOf(broker, filter).length > 0,
		/** Forgets what was shown of the topics of these messages: none of them was taken. */
		forget(broker: string, batch: readonly Readonly<{ topic: string }>[]): void {
			const topics = new Set(batch.map(({ topic }) => topic));
			for (const [at, mirrors] of bySubscription)
				if (at.startsWith(`${broker}/`))
					for (const { room } of mirrors) for (const topic of topics) forget(room, topic);
		},
		/** Returns the events of a message: one in each room that shows it, and none in those whose conditions leave it out. */
		show(
			arrival: Arrival & Placed & Readonly<{ digest?: Digest }>,
			{
				broker,
				wanted,
				id,
				at,
			}: Readonly<{ broker: string; wanted: readonly string[]; id: MessageId; at: number }>,
		): readonly Shows[] {
			return placesOf(arrival, wanted).flatMap(({ filter, preferred: narrower }) => {
				const before = narrower.flatMap((one) => of(broker, one));
				const cleared = arrival.payload.length === 0;
				const made = makersOf(broker, filter).flatMap((one) => own(one, arrival.topic, cleared) ?? []);
				return [...made, ...of(broker, filter)].flatMap((mirror, index, all) => {
					const { event, compared, file } = withFile(read(mirror, arrival, { broker, id, at }));
					latest.note(event, compared, file);
					noted?.(event, broker, mirror.availability?.(arrival.topic));
					// A room with the same filter twice, by the config and by command, shows the one with a shape.
					const preferred = [...before, ...all.slice(0, index)].map((other) => other.room);
					const quiet = arrival.retain && skipsRetained(mirror);
					if (!quiet || mirror.show === "both")
						return take(mirror, { event, compared, preferred, ...(quiet && { quiet }) });
					filtered("retained");
					return [];
				});
			});
		},
	};
}
