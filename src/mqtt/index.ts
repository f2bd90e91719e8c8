import { fails, lacks, works } from "../core/check-result.ts";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import { createGuard, type Guard, SetAside } from "../core/guard.ts";
import type { MessageId, NetworkName, RoomId } from "../core/ids.ts";
import type { Rate } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Link, Mapping } from "../core/mapping.ts";
import { type Meter, noMeter } from "../core/meter.ts";
import type { Bridge, Network, Outbound, Received } from "../core/network.ts";
import { noReadings, type Readings } from "../core/readings.ts";
import { createAnswers } from "./answers.ts";
import { capabilities } from "./capabilities.ts";
import { chartSvg } from "./chart/chart-svg.ts";
import { createPainter } from "./chart/png.ts";
import { type BrokerOptions, Refusal } from "./connection.ts";
import { createDevices } from "./devices.ts";
import { announcementFilters } from "./discovery.ts";
import { type Feed, fedTo, feedRoom, isFed, toFeed } from "./feed.ts";
import { mqttName } from "./from-mqtt.ts";
import type { Received as FromBroker } from "./intake.ts";
import { linkUsage, readLink } from "./link-options.ts";
import { createMirrorRooms, type MakingMirror, type Opened } from "./mirror-rooms.ts";
import { guardedSorter, packetItem } from "./packet-item.ts";
import * as phrases from "./phrases.ts";
import { createPresence, saysOnline } from "./presence.ts";
import { choose, publishCommand } from "./pub.ts";
import { createPublishPolicy, type PublishPolicy } from "./publish-policy.ts";
import { createPublisher, type PublisherDeps } from "./publisher.ts";
import { createResponses } from "./responses.ts";
import { createSession } from "./session.ts";
import { type Shape, shapeText } from "./shape.ts";
import { createThingFiles } from "./thing-files.ts";
import { makingRoom, mirrorOf } from "./topic-rooms.ts";
import { isFilter, placeOf, roomOf } from "./topics.ts";
import { valueCommands } from "./value-commands.ts";
import { valueId } from "./value-ids.ts";

export type MqttOptions = Readonly<{
	/** By their names in the config. */
	brokers: Readonly<Record<string, BrokerOptions>>;
	mirrors: readonly (Readonly<{ broker: string; topic: string; room: string; publish?: PublishPolicy }> &
		Shape)[];
	/** The mirrors whose topics get rooms of their own. */
	making?: readonly (MakingMirror & Readonly<{ publish?: PublishPolicy }>)[];
	/** The rooms whose events go to topics. */
	feeds?: readonly Feed[];
	/** The values that go on from one broker; above that, values of a topic are merged. */
	rate?: Rate;
}>;

/** Returns the mirrors and feeds of the config: the MQTT room of each, and its Matrix alias or room id. */
export const mirrorsOf = ({ mirrors, feeds = [] }: MqttOptions): { topic: RoomId; room: string }[] => [
	...mirrors.map(({ broker, topic, room, publish: _publish, ...shape }) => ({
		topic: roomOf(broker, topic, shapeText(shape)),
		room,
	})),
	...feeds.map((feed) => ({ topic: feedRoom(feed), room: feed.room })),
];

/** Returns the test whether a room is one that a mirror of the config makes for its topics. */
export const keepsOf =
	({ making = [] }: MqttOptions) =>
	(room: RoomId): boolean =>
		making.some((one) => mirrorOf(room) === makingRoom(one));

/** Returns the MQTT network: its rooms are subscriptions, its people are the devices that publish. */
export function createMqtt(
	options: MqttOptions,
	deps: {
		mapping: Mapping;
		guard?: Guard;
		log: Log;
		meter?: Pick<Meter, "filtered" | "merged">;
		readings?: Readings;
		/** The network on which topics get rooms of their own. */
		roomsOn?: NetworkName;
	},
) {
	const {
		mapping,
		log,
		guard = createGuard(deps.log),
		meter = noMeter,
		readings = noReadings,
		roomsOn,
	} = deps;
	const { making = [] } = options;
	/** The devices that each broker announces. */
	const devices = new Map(
		Object.entries(options.brokers).map(([name, { discovery }]) => [name, createDevices(discovery, log)]),
	);
	function later(ms: number, work: () => Promise<void>): () => void {
		const timer = setTimeout(() => void guard.run("timer of MQTT values", work), ms).unref();
		return () => clearTimeout(timer);
	}
	const presence = createPresence({
		watch: (broker, topic) =>
			void guard.run("subscription to a presence", async () => sessions.get(broker)?.watch(topic)),
		signal: (one) => bridge.signal(one),
		later: (ms, work) => void later(ms, async () => work()),
	});
	const files = createThingFiles(readings);
	const paint = createPainter();
	const mirrors = createMirrorRooms({
		making,
		readings,
		files,
		thing: (broker, topic) => devices.get(broker)?.at(topic),
		noted(event, broker, availability) {
			const named = availability !== undefined && { topic: availability, isOnline: saysOnline };
			const watched = named
				? { watches: [named], mode: "all" as const }
				: devices.get(broker)?.watches(event.key);
			if (watched) presence.note(event, broker, watched);
		},
		filtered: (reason) => meter.filtered(mqttName, reason),
		merged: () => meter.merged(mqttName),
		guarded: guardedSorter({ guard, log }),
		receive: (events) => take(events),
		later,
	});
	const policies = options.mirrors.flatMap(({ publish }, index) => {
		const room = mirrorsOf(options)[index]?.topic;
		return publish && room ? [[room, publish] as const] : [];
	});
	for (const one of making) if (one.publish) policies.push([makingRoom(one), one.publish]);
	const mayPublish = createPublishPolicy(new Map(policies));
	let bridge: Bridge;
	const sessions = new Map(
		Object.entries(options.brokers).map(([name, broker]) => [
			name,
			createSession({
				name,
				broker,
				mapping,
				log,
				cursor: (key) => bridge.cursor(key),
				cursors: (prefix) => bridge.cursors(prefix),
				save: async (cursors) => void (await Promise.all(cursors.map((one) => bridge.saveCursor(one)))),
				receive: (batch) => receive(name, batch),
				pace: (topic) => mirrors.course(name, topic).pace,
				sort: (arrival) => mirrors.course(name, arrival.topic).sort(arrival),
				...(options.rate && { rate: options.rate }),
				merged: (count) => meter.merged(mqttName, count),
			}),
		]),
	);
	const names = [...sessions.keys()];

	const publishing: PublisherDeps = {
		bridge: () => bridge,
		publish: async (broker, topic, payload, extras) =>
			sessions.get(broker)?.publish(topic, payload, extras) ?? 0,
		mayPublish,
	};
	const responses = createResponses();
	const answers = createAnswers({
		responseOf: responses.of,
		options: new Map(policies),
		controls: (broker, topic) => devices.get(broker)?.controls(topic) ?? [],
		thing: mirrors.person,
		publish: createPublisher(publishing),
		receive: (result) => bridge.receive([result]),
	});

	/** Publishes an event of a room. Resolves with its id in the feed. */
	async function sendToFeed(out: Outbound): Promise<readonly MessageId[]> {
		const { operation, passed } = out;
		const { broker, topic, payload } = toFeed(out);
		const to = sessions.get(broker);
		if (!to) throw new PermanentError("failed", phrases.brokerAway(broker));
		await to.publish(topic, payload, { operation, passed }).catch((error: unknown) => {
			if (error instanceof Refusal) throw new PermanentError("forbidden", phrases.brokerRefused(error.code));
			throw new TemporaryError(`the broker ${broker} has not taken it`, { cause: error });
		});
		return [operation as string as MessageId];
	}

	async function open({ topic, make }: Opened): Promise<void> {
		if (roomsOn === undefined) return;
		try {
			await bridge.ownRoom({ here: roomsOn, make, there: mqttName, topic });
		} catch (error) {
			mirrors.remove(topic);
			if (!(error instanceof PermanentError)) throw error;
			log.warn({ err: error, room: make.name }, "a topic gets no room of its own");
		}
	}

	/** Resolves when the events are on disk, and with them what the mirrors remember. */
	async function take(events: readonly Received[]): Promise<void> {
		for (const one of mirrors.opened()) await open(one);
		if (events.length > 0) await bridge.receive(events);
		const changes = [...mirrors.changes(), ...responses.changes()];
		await Promise.all(changes.map((cursor) => bridge.saveCursor(cursor)));
	}

	/** Returns the events of a packet; what it says of a device is noted first. */
	function shows(
		broker: string,
		arrival: Omit<FromBroker, "id">,
		how: Parameters<typeof mirrors.show>[1],
	): ReturnType<typeof mirrors.show> {
		const { topic, payload } = arrival;
		const known = devices.get(broker);
		if (!known?.isAnnouncement(topic)) {
			presence.take(broker, topic, Buffer.from(payload.subarray(0, 1_024)).toString());
			return mirrors.show(arrival, { ...how, wanted: known?.showing(topic, how.wanted) ?? how.wanted });
		}
		const text = Buffer.from(payload).toString();
		const stored = known.take(topic, text);
		readings.save({ descriptions: [{ key: `${broker}/${topic}`, text: stored ? text : null }] });
		// An announcement is for programs: only a mirror that names its topics shows it.
		const wanted = how.wanted.filter((filter) => !/^[+#]/.test(filter));
		return mirrors.show(arrival, { ...how, wanted });
	}

	async function receive(broker: string, batch: readonly FromBroker[]): Promise<void> {
		const wanted = sessions.get(broker)?.wants() ?? [];
		const at = Date.now();
		const events = batch.flatMap(({ id, cursor, standing, ...arrival }): Received[] => {
			const { topic } = arrival;
			try {
				const named = valueId(id, topic);
				if (arrival.response) responses.note(named, arrival.response);
				return guard.handle(packetItem(broker, arrival), () =>
					shows(broker, arrival, { broker, wanted, at, id: named }).map((event) => ({
						...event,
						...(cursor && { cursor }),
						...(standing && { standing }),
					})),
				);
			} catch (error) {
				// The guard has logged an item that it set aside. In both cases the packet is acknowledged, since the broker
				// would send it again for ever.
				if (!(error instanceof SetAside))
					log.error(
						{ err: error, broker, topic },
						"a packet is skipped because of a fault in the bridge; please report it",
					);
				return [];
			}
		});
		mirrors.save();
		await take(events).catch((error: unknown) => {
			// The broker sends these values again; a condition must not take them for shown.
			mirrors.forget(broker, batch);
			throw error;
		});
	}

	const at = (room: RoomId | undefined) => {
		const { broker, filter } = placeOf(room ?? "");
		return { to: sessions.get(broker), filter };
	};

	return {
		name: mqttName,
		title: "MQTT",
		privateRooms: true,
		sources: true,
		commands: [
			publishCommand({
				brokers: names,
				...publishing,
				hasExpiry: (broker) => options.brokers[broker]?.protocol === "5",
			}),
			...valueCommands({
				bridge: () => bridge,
				latest: mirrors.latest,
				rooms: mirrors.rooms,
				samples: readings.samples,
				draw: async (chart) => files.keep(await paint(chartSvg(chart)), chart.title),
				file: ({ file, label }) => (file === undefined ? undefined : files.again(file, label)),
			}),
		],
		async start(core) {
			bridge = core;
			// Waiting messages of a session come before any link is attached, so their filters are known beforehand.
			const rooms = (await mapping.portals())
				.flatMap((portal) => portal.links)
				.filter((link) => link.network === mqttName && link.room !== undefined && !fedTo(link.room))
				.map((link) => link.room as RoomId);
			for (const room of rooms) mirrors.add(room);
			for (const { key, text } of readings.descriptions()) {
				const { broker, filter: topic } = placeOf(key);
				devices.get(broker)?.take(topic, text);
			}
			await mirrors.load(bridge.cursors);
			responses.load(await bridge.cursors(responses.prefix));
			const places = rooms.map(placeOf);
			for (const [name, one] of sessions)
				await one.start([
					...places.filter(({ broker }) => broker === name).map(({ filter }) => filter),
					...making.filter(({ broker }) => broker === name).map(({ topic }) => topic),
				]);
			for (const [name, { discovery }] of Object.entries(options.brokers))
				for (const filter of discovery === undefined ? [] : announcementFilters(discovery))
					await sessions.get(name)?.watch(filter);
		},
		// A broker sends a message of QoS 0 once, so each one that comes before its end of the connection is taken.
		async pause() {},
		async stop() {
			await Promise.all([...sessions.values()].map((one) => one.stop()));
			mirrors.stop();
		},
		linkUsage,
		capabilities: () => capabilities,
		takes(room, event) {
			const feed = fedTo(room);
			if (feed) return isFed(feed, event) ? "all" : undefined;
			return answers.takes(room, event) ? "answers" : undefined;
		},
		send: (out) => (fedTo(out.room) ? sendToFeed(out) : answers.send(out)),
		open: async (ref, range) => files.open(ref, range),
		async refuse(event, error) {
			// A device cannot read a notice, so the refusal is logged for its owner.
			log.warn({ topic: event.sender.handles[0], reason: error.reason }, "a value was not delivered");
		},
		async findRoom([typed = ""]) {
			const { filter, shape } = readLink(typed);
			const { broker, topic } = choose(filter, names);
			if (!isFilter(topic)) throw new PermanentError("invalid", phrases.notFilter(topic));
			return { room: roomOf(broker, topic, shapeText(shape)), name: topic };
		},
		show: ({ room = "" }) => {
			const { broker, filter } = placeOf(room);
			return names.length === 1 ? filter : `${broker}/${filter}`;
		},
		async attach(_portal, link: Link) {
			const { to, filter } = at(link.room);
			if (!to) return log.error({ room: link.room }, "a mirror names a broker that is no longer configured");
			if (link.room !== undefined && fedTo(link.room)) return;
			mirrors.add(link.room as RoomId);
			await to.attach(filter).catch((error: unknown) => {
				if (!(error instanceof Refusal)) throw error;
				mirrors.remove(link.room as RoomId);
				throw new PermanentError("forbidden", phrases.brokerRefused(error.code));
			});
		},
		async detach(_portal, link) {
			const { to, filter } = at(link.room);
			const { room } = link;
			if (room === undefined || fedTo(room)) return;
			const others = await mapping.portalsOf(mqttName, room);
			if (others.some((portal) => portal.links.some(({ id }) => id !== link.id))) return;
			mirrors.remove(room);
			for (const prefix of mirrors.ofRoom(room))
				for (const { key } of await bridge.cursors(prefix))
					await bridge.saveCursor({ key, value: undefined });
			// Another mirror may use the same subscription.
			if (!mirrors.uses(placeOf(room).broker, filter)) await to?.detach(filter);
		},
		members: async () => [],
		async check() {
			return [...sessions].map(([name, one]) => {
				const what = `subscriptions of broker ${name}`;
				const { up, cause = "" } = one.status();
				if (!up) return fails(what, cause);
				const seconds = one.keptFor();
				return seconds === undefined ? works(what) : lacks(what, phrases.brokerKeepsShort(seconds));
			});
		},
		status() {
			const down = [...sessions].map(([name, one]) => ({ name, ...one.status() })).filter(({ up }) => !up);
			if (down.length === 0) return { up: true };
			const since = Math.min(...down.map((one) => one.since ?? Date.now()));
			return { up: false, cause: down.map(({ name, cause }) => `${name}: ${cause}`).join("; "), since };
		},
	} satisfies Network;
}
