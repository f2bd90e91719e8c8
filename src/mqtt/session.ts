import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { createGuard } from "../core/guard.ts";
import type { MessageId } from "../core/ids.ts";
import { createRateLimit, type Rate } from "../core/limits.ts";
import { type Log, retryLevel } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Cursor, Status } from "../core/network.ts";
import { createTrouble } from "../core/trouble.ts";
import { dialInThread, type ThreadEvents } from "./client-thread.ts";
import {
	type BrokerOptions,
	type Connection,
	type Extras,
	patience,
	Refusal,
	sessionExpiryInterval,
	type Welcome,
} from "./connection.ts";
import { createCopyFilter } from "./copies.ts";
import { createFlood, type Pace } from "./flood.ts";
import type { Arrival } from "./from-mqtt.ts";
import { createInbox } from "./inbox.ts";
import { createIntake, type Received } from "./intake.ts";
import type { Posted } from "./mailbox.ts";
import { ownAnnouncement } from "./own-announcement.ts";
import * as phrases from "./phrases.ts";
import { createRedelivery } from "./redelivery.ts";
import { createRefusedSubscriptions } from "./refused-subscriptions.ts";
import type { Sort } from "./sorts.ts";
import { matches } from "./topics.ts";

/**
 * In ms: the first and the longest backoff between connections; how long the echo of an own publish is awaited; the
 * interval at which refused subscriptions are asked for again, as an admin may have changed the access list; the interval
 * at which the values that a flood has held back are looked at.
 */
const defaults = { first: 1000, most: 60_000, echo: 10_000, again: 60_000, look: 100, ...patience };

/** Topics of devices that the bridge subscribes to for its own use. */
const mostWatched = 2_000;

/** Keeps one broker connected: reconnects with backoff and keeps the wanted subscriptions. */
export function createSession(deps: {
	name: string;
	broker: BrokerOptions;
	mapping: Mapping;
	log: Log;
	/** Resolves with the stored value of a cursor. */
	cursor(key: string): Promise<string | undefined>;
	/** Resolves with the stored cursors whose keys begin with `prefix`. */
	cursors(prefix: string): Promise<readonly Cursor[]>;
	/** Saves cursors, in this order; undefined removes one. */
	save(cursors: readonly Readonly<{ key: string; value: string | undefined }>[]): Promise<void>;
	/** Resolves when the messages are on disk, each with its cursor. */
	receive(batch: readonly Received[]): Promise<void>;
	/** Returns how the values of a topic go on in a flood. */
	pace(topic: string): Pace;
	/** Returns the sort of a value to the mirrors that show it. It is called for each one, in the order of arrival. */
	sort(arrival: Arrival): Sort;
	/** The values that go on from this broker. */
	rate?: Rate;
	/** Counts values in whose place a later one goes on. */
	merged(count: number): void;
	timing?: Partial<typeof defaults>;
}) {
	const { name, broker, mapping, log } = deps;
	const timing = { ...defaults, ...deps.timing };
	const wanted = new Set<string>();
	/** Subscriptions for the bridge's own use, whose retained values it needs at each connection. */
	const watched = new Set<string>();
	const guard = createGuard(log);
	const stopping = new AbortController();
	let connection: Connection | undefined;
	let incoming: ReturnType<typeof createInbox> | undefined;
	let welcome: Welcome | undefined;
	let supervisor: Promise<void> | undefined;
	let looking: NodeJS.Timeout | undefined;
	const trouble = createTrouble("not connected yet");

	const refused = createRefusedSubscriptions(name, log);
	const naming = createRedelivery(name, deps.cursor);
	const flood = createFlood({
		...(deps.rate && { rate: deps.rate }),
		pace: deps.pace,
		merged: deps.merged,
		makeId: () => randomUUID() as string as MessageId,
	});
	const { sort, receive, save } = deps;
	const intake = createIntake(name, { flood, sort, naming, receive, save });
	const mayLogDrops = createRateLimit({ perMinute: 1, burst: 1 });
	let dropped = 0;

	// The subscriptions of the session on the broker, kept in the store: a broker cannot be asked for them.
	const subscribedKey = `mqtt subscriptions ${name}`;
	let subscribed: readonly string[] = [];
	const keep = () => mapping.saveSetting(subscribedKey, JSON.stringify(subscribed));
	// The name that we give to the session on the broker, which lasts as long as the session.
	const sessionKey = `mqtt session ${name}`;

	/** COMPAT MQTT 3.1.1 has no No Local: the hashes of own publishes, each with the time until which its echo is awaited. */
	const echoes = new Map<string, number>();
	const echoKey = (topic: string, payload: string | Uint8Array) =>
		createHash("sha256").update(`${topic}\0`).update(payload).digest("base64");
	function awaitEcho(topic: string, payload: string): void {
		for (const [key, until] of echoes) if (until <= Date.now()) echoes.delete(key);
		if ([...wanted].some((filter) => matches(filter, topic)))
			echoes.set(echoKey(topic, payload), Date.now() + timing.echo);
	}
	const isEcho = ({ topic, payload, retain }: Arrival) => {
		if (retain || echoes.size === 0) return false;
		const key = echoKey(topic, payload);
		const until = echoes.get(key) ?? 0;
		echoes.delete(key);
		return until > Date.now();
	};

	/** The topics on which the bridge tells of itself. */
	const own = new Set([broker.statusTopic, ownAnnouncement(broker)?.topic]);
	const awaitsEcho = () => [...echoes.values()].some((until) => until > Date.now());

	/** Lets the held-back values go on that are due: behind the messages of the connection, if there is one. */
	async function letGo(): Promise<void> {
		const to = incoming;
		if (to?.isOpen()) for (const step of intake.leaving()) to.add(step);
		else if (!to || to.isIdle()) await intake.take(intake.leaving());
	}

	const live = () => (connection && welcome ? connection : undefined);

	async function subscribe(on: Connection, filter: string): Promise<void> {
		await on.subscribe(filter, watched.has(filter));
		if (subscribed.includes(filter)) return;
		subscribed = [...subscribed, filter];
		await keep();
	}

	async function unsubscribe(on: Connection, filter: string): Promise<void> {
		await on.unsubscribe(filter);
		if (!subscribed.includes(filter)) return;
		subscribed = subscribed.filter((other) => other !== filter);
		await keep();
	}

	/** Begins a new session on the broker, which has no subscription yet and so sends nothing. */
	async function beginSession(): Promise<void> {
		subscribed = [];
		const session = randomUUID();
		await mapping.saveSetting(sessionKey, session);
		naming.begin(session);
	}

	/** Subscribes; a refusal is noted and does not stop the other subscriptions. */
	async function trySubscribe(on: Connection, filter: string): Promise<void> {
		try {
			await subscribe(on, filter);
			refused.granted(filter);
		} catch (error) {
			if (!(error instanceof Refusal)) throw error;
			// No room shows what the bridge reads for its own use, so nothing is missing there.
			if (watched.has(filter))
				log.info({ broker: name, filter, code: error.code }, "the broker refused a topic of devices");
			else refused.note(filter, error.code);
		}
	}

	/** Asks for the refused subscriptions again, until the connection `on` has ended. */
	async function tryRefused(on: Connection): Promise<void> {
		while (live() === on) {
			await sleep(timing.again, undefined, { signal: stopping.signal, ref: false });
			for (const filter of refused.filters()) if (live() === on) await trySubscribe(on, filter);
		}
	}

	/** Makes the session's subscriptions the wanted ones. */
	async function settle(on: Connection, { sessionPresent }: Welcome): Promise<void> {
		if (!sessionPresent && subscribed.length > 0)
			log.warn(
				{ broker: name, cure: phrases.brokerForgets },
				"the broker has forgotten our session: values that it had for us are lost",
			);
		if (!sessionPresent) await beginSession();
		const gone = subscribed.filter((filter) => !wanted.has(filter));
		// COMPAT MQTT 3.1.1 sends retained values at each SUBSCRIBE, so an existing subscription is not repeated.
		const ask = [...wanted].filter(
			(filter) => broker.protocol === "5" || watched.has(filter) || !subscribed.includes(filter),
		);
		for (const filter of gone) await unsubscribe(on, filter);
		for (const filter of ask) await trySubscribe(on, filter);
		// The promise rejects when the connection or the bridge ends.
		tryRefused(on).catch((error: unknown) =>
			log.debug({ broker: name, err: error }, "refused subscriptions are no longer asked for"),
		);
	}

	/** Connects once; resolves with the cause when the connection ends. */
	function connectOnce(): Promise<Error> {
		return new Promise((resolve) => {
			const mine = createInbox({
				take: intake.take,
				acknowledge: (packetId) => current.acknowledge(packetId),
				failed(error) {
					log.error(
						{ broker: name, err: error },
						"could not store MQTT messages; the broker will send them again",
					);
					current.drop();
				},
				dropped() {
					dropped++;
					if (!mayLogDrops(name)) return;
					log.warn({ broker: name, dropped }, "too many QoS 0 messages wait to be written; dropped some");
					dropped = 0;
				},
			});
			const copies = createCopyFilter();
			async function add(arrival: Posted): Promise<number | undefined> {
				const placed = { ...arrival, subscribed };
				if (isForNobody(placed)) {
					const step = intake.skip(placed);
					if (step) await mine.add(step)?.then(copies.resumed);
					return undefined;
				}
				const step = intake.step(placed);
				if (step) await mine.add(step)?.then(copies.resumed);
				// An echo of an own publish takes the place of no value.
				return mayHaveCopies(arrival) || awaitsEcho() ? undefined : flood.heldUntil(arrival.topic);
			}
			const matching = ({ topic }: Arrival) => subscribed.filter((filter) => matches(filter, topic)).length;
			/** Several subscriptions match, so the broker may send copies, which have to be told from further values. */
			const mayHaveCopies = (arrival: Arrival) => broker.protocol === "3.1.1" && matching(arrival) > 1;
			const isForNobody = (arrival: Arrival) =>
				(broker.protocol === "3.1.1" && !arrival.retain && copies.isCopy(arrival, matching(arrival))) ||
				isEcho(arrival) ||
				own.has(arrival.topic);
			const events: ThreadEvents = {
				up(connack) {
					welcome = connack;
					trouble.end();
					log.info({ broker: name, resumed: connack.sessionPresent }, "MQTT link up");
					settle(current, connack).catch((error: unknown) => {
						log.warn({ broker: name, err: error }, "the subscriptions of a broker could not be restored");
						current.drop();
					});
				},
				async arrival(arrival) {
					let heldUntil: number | undefined;
					await guard.run("MQTT packet", async () => {
						heldUntil = await add(arrival);
					});
					return heldUntil;
				},
				down: resolve,
			};
			const current = dialInThread(broker, events, { patience: timing });
			connection = current;
			incoming = mine;
		});
	}

	async function supervise(): Promise<void> {
		let failures = 0;
		while (!stopping.signal.aborted) {
			const since = Date.now();
			const cause = await connectOnce();
			const wasUp = welcome !== undefined;
			welcome = undefined;
			connection = undefined;
			const why = cause instanceof Refusal ? phrases.brokerRefused(cause.code) : cause.message;
			trouble.begin(why);
			if (stopping.signal.aborted) return;
			// One inbox at a time, or a broker that breaks each connection could fill the memory while the journal stalls.
			await incoming?.close();
			flood.returned();
			// A connection that breaks soon after the CONNACK counts as a failure: two bridges may share one client_id.
			failures = wasUp && Date.now() - since >= timing.most ? 1 : failures + 1;
			const retryMs = backoff(failures - 1, timing);
			log[retryLevel(failures)](
				{ broker: name, cause: why, attempt: failures, retryMs },
				wasUp ? "MQTT link broke" : "MQTT broker not reached",
			);
			await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
		}
	}

	return {
		/** Starts to connect; `filters` are the subscriptions of the stored links. */
		async start(filters: readonly string[]): Promise<void> {
			for (const filter of filters) wanted.add(filter);
			naming.begin((await mapping.setting(sessionKey)) ?? "");
			subscribed = JSON.parse((await mapping.setting(subscribedKey)) ?? "[]") as string[];
			await intake.resume(await deps.cursors(intake.prefix));
			looking = setInterval(() => void guard.run("timer of MQTT values", letGo), timing.look).unref();
			supervisor = supervise();
		},
		/** Subscribes now, or when the broker is back. @throws Refusal */
		async attach(filter: string): Promise<void> {
			const code = refused.code(filter);
			if (code !== undefined) throw new Refusal(code);
			watched.delete(filter);
			if (wanted.has(filter)) return;
			wanted.add(filter);
			const on = live();
			if (!on) return;
			try {
				await subscribe(on, filter);
			} catch (error) {
				if (!(error instanceof Refusal)) return;
				wanted.delete(filter);
				throw error;
			}
		},
		/** Subscribes for the bridge's own use; the retained values come at each connection. Never rejects. */
		async watch(filter: string): Promise<void> {
			if (wanted.has(filter) || watched.size >= mostWatched) return;
			watched.add(filter);
			wanted.add(filter);
			const on = live();
			// Without a connection, or after a fault of it, `settle` subscribes at the next one.
			if (on) await trySubscribe(on, filter).catch(() => undefined);
		},
		async detach(filter: string): Promise<void> {
			if (watched.has(filter)) return;
			wanted.delete(filter);
			refused.forget(filter);
			const on = live();
			// Without a connection, `settle` unsubscribes at the next one.
			if (on) await unsubscribe(on, filter).catch(() => undefined);
		},
		/** Resolves with the PUBACK's reason code. @throws Refusal; NotConnected; Error when the connection breaks. */
		async publish(topic: string, payload: string, extras?: Extras): Promise<number> {
			const on = live();
			if (!on) throw new NotConnected("not connected");
			if (broker.protocol === "3.1.1") awaitEcho(topic, payload);
			return on.publish(topic, payload, extras);
		},
		wants: () => [...wanted],
		status(): Status {
			const status = trouble.status();
			if (!status.up) return status;
			// [MQTT-3.2.2-10]: a broker may announce less than QoS 1.
			if (welcome?.limits.maximumQoS === 0) return { up: false, cause: phrases.brokerNoQos1 };
			return refused.status();
		},
		/** Returns the seconds for which the broker keeps our session, if that is less than asked for. */
		keptFor: (): number | undefined => {
			const granted = welcome?.limits.sessionExpiryInterval;
			return granted !== undefined && granted < sessionExpiryInterval ? granted : undefined;
		},
		/** Disconnects in order. Resolves when all that the broker has sent until then is on disk. */
		async stop(): Promise<void> {
			stopping.abort();
			// The broker does not repeat a value that the bridge acknowledges before the end.
			await incoming?.reached();
			connection?.close();
			await supervisor;
			await incoming?.close();
			clearInterval(looking);
			await intake.keep();
		},
	};
}

export class NotConnected extends Error {}
